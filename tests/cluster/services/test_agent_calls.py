"""Every form in which agents of the distribution ask the cluster, tried on a live one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import testhosts
from conftest import needs_namespaces
from harness import PROJECT, Cluster, add_primitive, set_property

from engine.edges.toolbox import TOOLS

pytestmark = [
    needs_namespaces,
    pytest.mark.cluster,
    pytest.mark.services,
    pytest.mark.timeout(300),
]

UNKNOWN_OPTION, NOT_THERE = 64, 127
# As the agents write them, variables filled in; in this order, because some read what others wrote.
CALLS = """\
crm_node -n
crm_node -i
crm_node -p
crm_node -q
crm_node -l
crm_node -l -p
crm_node --partition
crm_node --list
crm_attribute -p -v 10
crm_attribute --promotion -v 10
crm_attribute --promotion -D
crm_master -l reboot -v 5
crm_master -l reboot -G --quiet
crm_master -N h1 -l reboot -v 7
crm_master -Q -l reboot -v 100
crm_master -q -l reboot -G
crm_master -l reboot -D
crm_master --lifetime forever --quiet -v 100
crm_master --lifetime forever --quiet --get-value --node h1
crm_master --lifetime forever --quiet -D
crm_attribute --type crm_config --name r_REPL_INFO -s redis_replication -v h1 -q
crm_attribute --type crm_config --name r_REPL_INFO -s redis_replication --query -q
crm_attribute --type=crm_config --name=stonith-enabled --query --quiet --default=true
crm_attribute -l forever -N h1 -n r-data-status -v LATEST
crm_attribute -l forever -N h1 -n r-data-status -G -q
crm_attribute -l forever -N h1 -n r-data-status -D
crm_attribute -l reboot -N h1 -n r-status -v PRI
crm_attribute -l reboot -N h1 -n r-status -G -q
crm_attribute --lifetime=reboot --name=key --node=h1 -v 1
crm_attribute --lifetime=reboot --name=key --node=h1 -q
crm_attribute --node h1 -l forever --name tunnel-port -v 7
crm_attribute --node h1 -l forever --name tunnel-port --query -q
crm_attribute -N h1 -l reboot --name last-committed -v 3
crm_attribute -N h1 -l reboot --name last-committed --quiet
crm_attribute -N h1 -l reboot --name rabbit-master --update true
crm_attribute -N h1 -l reboot --name rabbit-master --query
crm_attribute -N h1 -l reboot --name rabbit-master --delete
crm_attribute -n runs_ers -v 1 -l reboot
attrd_updater -n pingd -B 3 -d 5s
attrd_updater -n pingd -v 3 -d 5s
attrd_updater -D -n pingd -d 5s
attrd_updater -n #health-cpu -U green -d 30s
attrd_updater -p -n r-gtid -U 0-1-7
attrd_updater -p -N h1 -n r-gtid -Q
attrd_updater -n r-gtid -N h1 -D
attrd_updater --private --lifetime reboot --name lsn-r --update 5
attrd_updater --private --lifetime reboot --name lsn-r --query
attrd_updater --private --lifetime reboot --name lsn-r --query --node h1
attrd_updater --private --lifetime reboot --name lsn-r --delete
attrd_updater -S status -n space -B 7
attrd_updater -n space -v 8
attrd_updater -n space -Q
crm_mon -1
crm_mon -1X
crm_mon -1 --output-as=xml
cibadmin -Q
cibadmin -Q --xpath //node_state
cibadmin -Ql
""".splitlines()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    lab = testhosts.Lab(
        3, dir=str(tmp_path_factory.mktemp("calls") / "lab"), private=["/var/lib", "/srv"]
    )
    with lab:
        made = Cluster(lab).start()
        made.configure(made.hosts[0], lambda cib: set_property(cib, "stonith-enabled", "false"))
        made.configure(made.hosts[0], lambda cib: add_primitive(cib, "r", "ocf:heartbeat:Dummy"))
        yield made


@pytest.mark.parametrize("call", CALLS)
def test_what_agents_call_is_answered(cluster: Cluster, call: str) -> None:
    program, *words = call.split()
    assert program in TOOLS
    environment = {
        "PATH": "/run/crmshell/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "OCF_RESOURCE_INSTANCE": "r",
        "LC_ALL": "C.UTF-8",
    }
    done = cluster.hosts[0].run([program, *words], env=environment, wd=PROJECT)
    assert done.returncode not in (UNKNOWN_OPTION, NOT_THERE), done.stdout
    assert "Traceback" not in done.stdout
    assert done.returncode == 0, done.stdout
