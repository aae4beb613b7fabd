"""The only reader of configuration files and of the environment.

load(path) -> Configuration   settings, with the source of every value
connection_of, network_of, planning_of, sap_site_of, scope_of   what each room understands of them
"""

from __future__ import annotations

from connector.settings.checks import network_of
from connector.settings.conversion import connection_of, planning_of, sap_site_of, scope_of
from connector.settings.loading import Configuration, load, secrets_of
from connector.settings.references import Reference, Secret
from connector.settings.root import Settings
from connector.settings.site import Site

__all__ = [
    "Configuration",
    "Reference",
    "Secret",
    "Settings",
    "Site",
    "connection_of",
    "load",
    "network_of",
    "planning_of",
    "sap_site_of",
    "scope_of",
    "secrets_of",
]
