locals {
  # begin generated: account_actions
  account_actions = [
    "backup:ListBackupJobs",
    "backup:DescribeBackupJob",
    "backup:ListCopyJobs",
    "backup:DescribeCopyJob",
    "backup:ListRestoreJobs",
    "backup:DescribeRestoreJob",
    "backup:ListScanJobs",
    "backup:DescribeScanJob",
    "backup:ListProtectedResources",
    "backup:ListBackupVaults",
    "backup:ListBackupPlans",
    "backup:GetBackupPlan",
    "backup:ListBackupSelections",
    "backup:GetBackupSelection",
    "backup:ListRecoveryPointsByBackupVault",
    "backup:DescribeRegionSettings",
    "backup:ListRestoreTestingPlans",
    "backup:ListFrameworks",
  ]
  # end generated: account_actions
  # begin generated: inventory_actions
  inventory_actions = [
    "tag:GetResources",
  ]
  # end generated: inventory_actions
  # begin generated: organization_actions
  organization_actions = [
    "organizations:ListAccounts",
    "organizations:ListRoots",
    "organizations:ListOrganizationalUnitsForParent",
    "organizations:ListAccountsForParent",
  ]
  # end generated: organization_actions
}
