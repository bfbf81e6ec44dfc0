variable "role_name" {
  description = "Name of the role. In an organization, the same in all accounts."
  type        = string
  default     = "aws-backup-exporter"
}

variable "runs_on" {
  description = "Who assumes the role: ec2, ecs, eks-pod-identity, eks-irsa, or other-role for an exporter that has a role already, in any account."
  type        = string

  validation {
    condition     = contains(["ec2", "ecs", "eks-pod-identity", "eks-irsa", "other-role"], var.runs_on)
    error_message = "Set runs_on to ec2, ecs, eks-pod-identity, eks-irsa or other-role."
  }
}

variable "namespace" {
  description = "For Amazon EKS, the namespace of the exporter."
  type        = string
  default     = "monitoring"
}

variable "service_account" {
  description = "For Amazon EKS, the service account of the exporter."
  type        = string
  default     = "aws-backup-exporter"
}

variable "oidc_provider" {
  description = "For eks-irsa, the OIDC issuer of the cluster without https://."
  type        = string
  default     = null

  validation {
    condition     = var.oidc_provider == null || !startswith(coalesce(var.oidc_provider, "-"), "https://")
    error_message = "Remove https:// from oidc_provider."
  }
}

variable "exporter_role_arn" {
  description = "For other-role, the ARN of the role that the exporter has. It must exist."
  type        = string
  default     = null
}

variable "external_id" {
  description = "For other-role, the external ID, as in the configuration of the exporter. Set it if the account is not yours."
  type        = string
  default     = null
  sensitive   = true
}

variable "inventory" {
  description = "Whether the configuration sets inventory.enabled."
  type        = bool
  default     = false
}

variable "organization" {
  description = "Whether a target of the configuration is an organization."
  type        = bool
  default     = false
}

variable "member_organizational_unit_ids" {
  description = "IDs of the root or of organizational units whose accounts get a role, for organization.members. Needs trusted access of AWS CloudFormation StackSets."
  type        = list(string)
  default     = []
}

variable "call_as" {
  description = "SELF, or DELEGATED_ADMIN in a delegated administrator account of AWS CloudFormation StackSets."
  type        = string
  default     = "SELF"

  validation {
    condition     = contains(["SELF", "DELEGATED_ADMIN"], var.call_as)
    error_message = "Set call_as to SELF or DELEGATED_ADMIN."
  }
}

variable "monitored_role_arns" {
  description = "ARNs of roles in other accounts, which the configuration names in role_arn of a target."
  type        = list(string)
  default     = []
}

variable "permissions_boundary_arn" {
  description = "ARN of a permissions boundary, if your organization requires one."
  type        = string
  default     = null
}

variable "tags" {
  description = "Tags of the role, the instance profile and the stack set."
  type        = map(string)
  default     = {}
}
