"""The bench's hosts, in pyinfra's words."""

import json
import os

with open(os.environ["BENCH_TARGETS"], encoding="utf-8") as targets_file:
    _targets = json.load(targets_file)

hosts = [
    (
        target["name"],
        {
            "ssh_hostname": target["address"],
            "ssh_port": target["port"],
            "ssh_user": target["user"],
            "ssh_key": target["identityFile"],
            "ssh_known_hosts_file": os.environ["BENCH_KNOWN_HOSTS"],
            "ssh_strict_host_key_checking": "yes",
            "ssh_allow_agent": False,
            "ssh_look_for_keys": False,
        },
    )
    for target in _targets
]
