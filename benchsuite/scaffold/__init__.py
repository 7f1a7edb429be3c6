"""The scaffold: a new plugin's complete project, written from templates."""

from benchsuite.scaffold.naming import ProjectName, project_name
from benchsuite.scaffold.project import TEMPLATE_KINDS, next_commands, write_project

__all__ = ["TEMPLATE_KINDS", "ProjectName", "next_commands", "project_name", "write_project"]
