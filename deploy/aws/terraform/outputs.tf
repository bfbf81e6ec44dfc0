output "role_arn" {
  description = "The ARN of the role."
  value       = aws_iam_role.exporter.arn
}

output "instance_profile_name" {
  description = "The instance profile for the EC2 instance; null unless runs_on is ec2."
  value       = one(aws_iam_instance_profile.exporter[*].name)
}
