"""What declared.ts says, in pyinfra's words."""

import json
import os
from io import StringIO

from pyinfra import host
from pyinfra.operations import apt, files, server, systemd

with open(os.environ["BENCH_DECLARED"], encoding="utf-8") as declared_file:
    declared = json.load(declared_file)

account = declared["account"]

apt.packages(
    name="packages",
    packages=declared["packages"],
    no_recommends=True,
    update=True,
    cache_time=86400,
)

server.group(name="group", group=account["name"], gid=account["id"], system=True)

server.user(
    name="user",
    user=account["name"],
    uid=account["id"],
    group=account["name"],
    home=account["home"],
    shell=account["shell"],
    system=True,
    create_home=False,
    ensure_home=False,
)

for directory in declared["directories"]:
    files.directory(
        name=f"directory {directory['path']}",
        path=directory["path"],
        mode=directory["mode"],
        user=directory["owner"],
        group=directory["owner"],
    )

for file in declared["files"]:
    files.template(
        name=f"file {file['path']}",
        src=os.environ["BENCH_TEMPLATE"],
        dest=file["path"],
        mode="640",
        user="root",
        group=account["name"],
        jinja_env_kwargs={"trim_blocks": True},
        file=file,
        host_name=host.name,
    )

for setting in declared["sysctls"]:
    server.sysctl(
        name=f"kernel setting {setting['key']}",
        key=setting["key"],
        value=setting["value"],
        persist=True,
        persist_file=setting["path"],
    )

sshd = files.put(
    name="sshd",
    src=StringIO(declared["sshd"]["content"]),
    dest=declared["sshd"]["path"],
    mode="600",
    user="root",
    group="root",
)

systemd.service(
    name="reload sshd",
    service="ssh.service",
    running=True,
    reloaded=True,
    _if=sshd.did_change,
)

for unit in declared["units"]:
    placed = files.put(
        name=f"unit file {unit['unit']}",
        src=StringIO(unit["content"]),
        dest=unit["path"],
        mode="644",
        user="root",
        group="root",
    )
    systemd.service(
        name=f"restart {unit['unit']}",
        service=unit["unit"],
        running=True,
        restarted=True,
        daemon_reload=True,
        _if=placed.did_change,
    )
    systemd.service(
        name=f"unit {unit['unit']}",
        service=unit["unit"],
        running=True,
        enabled=True,
    )
