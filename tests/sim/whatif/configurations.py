"""Two configurations of the same fleet: one that does nothing about failures, and one that does."""

from pathlib import Path

CARELESS = """\
load_balancer:
  listeners: [{port: 80}]
  algorithm: round_robin
  servers: [10.0.0.1:80, 10.0.0.2:80]
  retry: {max_retries: 0}
  outlier_detection: {enabled: false}
"""
CAREFUL = """\
load_balancer:
  listeners: [{port: 80}]
  algorithm: round_robin
  servers: [10.0.0.1:80, 10.0.0.2:80]
  health_check: {interval: 500ms, timeout: 200ms}
  timeouts: {connect: 200ms}
"""


def written(folder: Path) -> tuple[str, str]:
    """Write both; return their paths."""
    (folder / "old.yaml").write_text(CARELESS)
    (folder / "new.yaml").write_text(CAREFUL)
    return str(folder / "old.yaml"), str(folder / "new.yaml")
