"""The rules file: one method for each column of each table."""
