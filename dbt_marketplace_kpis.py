"""For projects that install this one as a package: a dbt plugin that links its metrics to its own semantic models.

dbt-core 1.12 looks for the semantic model of a package's metric in the project that is run (its issue 16142) and stops.
dbt loads by itself what is called dbt_... on Python's path: docs/guides/as-a-package.md. In this project's own builds
there is nothing to put right.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dbt.plugins.manager import dbt_hook, dbtPlugin

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest
    from dbt.plugins.contracts import PluginArtifacts


class LinkMetrics(dbtPlugin):
    """Runs when dbt has parsed the project, before it orders what there is to build."""

    @dbt_hook
    def get_manifest_artifacts(self, manifest: Manifest) -> PluginArtifacts:
        """Puts the links of the metrics right in place; writes nothing."""
        for metric in manifest.metrics.values():
            name = metric.type_params.get_semantic_model_name()
            right, found = (f"semantic_model.{project}.{name}" for project in (metric.package_name, self.project_name))
            if found not in manifest.semantic_models and right in manifest.semantic_models:
                nodes = metric.depends_on.nodes
                nodes[:] = [right if node == found else node for node in nodes]
        return {}


plugins = [LinkMetrics]
