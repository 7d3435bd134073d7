"""The plug-ins that leanrl brings; `seams.registry` lists the modules, and docs/algorithms.md what they do."""
