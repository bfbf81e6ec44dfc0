data "aws_caller_identity" "this" {}

data "aws_partition" "this" {}

data "aws_region" "this" {}

locals {
  account_id   = data.aws_caller_identity.this.account_id
  partition    = data.aws_partition.this.partition
  assume_role  = ["sts:AssumeRole", "sts:TagSession"]
  has_members  = length(var.member_organizational_unit_ids) > 0
  is_delegated = var.call_as == "DELEGATED_ADMIN"

  # For each value of runs_on: the principal, the actions and the conditions of the trust policy.
  trust = {
    ec2 = {
      type       = "Service"
      principal  = "ec2.${data.aws_partition.this.dns_suffix}"
      actions    = ["sts:AssumeRole"]
      conditions = []
    }
    ecs = {
      type      = "Service"
      principal = "ecs-tasks.amazonaws.com"
      actions   = ["sts:AssumeRole"]
      conditions = [
        { test = "StringEquals", variable = "aws:SourceAccount", value = local.account_id },
        { test = "ArnLike", variable = "aws:SourceArn", value = "arn:${local.partition}:ecs:*:${local.account_id}:*" },
      ]
    }
    eks-pod-identity = {
      type      = "Service"
      principal = "pods.eks.amazonaws.com"
      actions   = local.assume_role
      conditions = [
        { test = "StringEquals", variable = "aws:RequestTag/kubernetes-namespace", value = var.namespace },
        { test = "StringEquals", variable = "aws:RequestTag/kubernetes-service-account", value = var.service_account },
      ]
    }
    eks-irsa = {
      type      = "Federated"
      principal = "arn:${local.partition}:iam::${local.account_id}:oidc-provider/${coalesce(var.oidc_provider, "unset")}"
      actions   = ["sts:AssumeRoleWithWebIdentity"]
      conditions = [
        { test = "StringEquals", variable = "${coalesce(var.oidc_provider, "unset")}:aud", value = "sts.amazonaws.com" },
        {
          test     = "StringEquals"
          variable = "${coalesce(var.oidc_provider, "unset")}:sub"
          value    = "system:serviceaccount:${var.namespace}:${var.service_account}"
        },
      ]
    }
    other-role = {
      type      = "AWS"
      principal = coalesce(var.exporter_role_arn, "unset")
      actions   = local.assume_role
      conditions = nonsensitive(var.external_id == null) ? [] : [
        { test = "StringEquals", variable = "sts:ExternalId", value = var.external_id },
      ]
    }
  }
}

data "aws_iam_policy_document" "trust" {
  statement {
    actions = local.trust[var.runs_on].actions

    principals {
      type        = local.trust[var.runs_on].type
      identifiers = [local.trust[var.runs_on].principal]
    }

    dynamic "condition" {
      for_each = local.trust[var.runs_on].conditions
      content {
        test     = condition.value.test
        variable = condition.value.variable
        values   = [condition.value.value]
      }
    }
  }
}

data "aws_iam_policy_document" "read" {
  statement {
    sid       = "ReadAwsBackup"
    actions   = local.account_actions
    resources = ["*"]
  }

  dynamic "statement" {
    for_each = var.inventory ? [1] : []
    content {
      sid       = "ReadResources"
      actions   = local.inventory_actions
      resources = ["*"]
    }
  }

  dynamic "statement" {
    for_each = var.organization ? [1] : []
    content {
      sid       = "ReadAccountsOfTheOrganization"
      actions   = local.organization_actions
      resources = ["*"]
    }
  }

  dynamic "statement" {
    for_each = local.has_members ? [1] : []
    content {
      sid       = "AssumeTheRolesOfMembers"
      actions   = local.assume_role
      resources = ["arn:${local.partition}:iam::*:role/${var.role_name}"]

      condition {
        test     = "StringEquals"
        variable = "aws:ResourceOrgID"
        values   = ["$${aws:PrincipalOrgID}"]
      }
    }
  }

  dynamic "statement" {
    for_each = length(var.monitored_role_arns) > 0 ? [1] : []
    content {
      sid       = "AssumeTheRolesOfMonitoredAccounts"
      actions   = local.assume_role
      resources = var.monitored_role_arns
    }
  }
}

resource "aws_iam_role" "exporter" {
  name                 = var.role_name
  description          = "Lets aws-backup-exporter read AWS Backup"
  assume_role_policy   = data.aws_iam_policy_document.trust.json
  permissions_boundary = var.permissions_boundary_arn
  tags                 = var.tags

  lifecycle {
    precondition {
      condition     = var.runs_on != "eks-irsa" || var.oidc_provider != null
      error_message = "With runs_on = \"eks-irsa\", set oidc_provider."
    }
    precondition {
      condition     = var.runs_on != "other-role" || var.exporter_role_arn != null
      error_message = "With runs_on = \"other-role\", set exporter_role_arn."
    }
  }
}

resource "aws_iam_role_policy" "read" {
  name   = "read-aws-backup"
  role   = aws_iam_role.exporter.id
  policy = data.aws_iam_policy_document.read.json
}

resource "aws_iam_instance_profile" "exporter" {
  count = var.runs_on == "ec2" ? 1 : 0

  name = var.role_name
  role = aws_iam_role.exporter.name
  tags = var.tags
}

resource "aws_cloudformation_stack_set" "members" {
  count = local.has_members ? 1 : 0

  name             = "${var.role_name}-members"
  description      = "The role in each account that aws-backup-exporter monitors"
  permission_model = "SERVICE_MANAGED"
  call_as          = var.call_as
  capabilities     = ["CAPABILITY_NAMED_IAM"]
  template_body    = file("${path.module}/../cloudformation/member-role.yaml")
  tags             = var.tags

  parameters = {
    RoleName        = var.role_name
    ExporterRoleArn = aws_iam_role.exporter.arn
    Inventory       = tostring(var.inventory)
  }

  auto_deployment {
    enabled                          = true
    retain_stacks_on_account_removal = false
  }

  managed_execution {
    active = true
  }

  operation_preferences {
    failure_tolerance_percentage = 100
    max_concurrent_percentage    = 100
  }

  lifecycle {
    ignore_changes = [administration_role_arn] # AWS sets it, with service-managed permissions too
  }
}

resource "aws_cloudformation_stack_set_instance" "members" {
  count = local.has_members ? 1 : 0

  stack_set_name = aws_cloudformation_stack_set.members[0].name
  region         = data.aws_region.this.name
  call_as        = var.call_as

  deployment_targets {
    organizational_unit_ids = var.member_organizational_unit_ids
    # A delegated administrator account can be in one of the units, and has the role already.
    account_filter_type = local.is_delegated ? "DIFFERENCE" : null
    accounts            = local.is_delegated ? [local.account_id] : null
  }
}
