"""A real Slurm: one controller and two machines in a network namespace of their own, started in half a second."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

ADDRESS = "10.213.0.1"
NEEDED = ("slurmctld", "slurmd", "munged", "sbatch", "squeue", "scancel", "scontrol", "sinfo", "ip")
CLIENTS = ("sbatch", "squeue", "scancel", "scontrol", "sinfo")
START_SECONDS = 30.0

CONFIGURATION = """\
ClusterName=t
SlurmctldHost={host}({address})
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/run/munge.sock
CredType=cred/munge
MailProg=/bin/true
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters={counted}
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,sched_min_interval=1000,bf_interval=1,batch_sched_delay=0
AccountingStorageType=accounting_storage/none
{gathered}
JobCompType=jobcomp/none
ReturnToService=2
SlurmctldTimeout=5
SlurmdTimeout=10
KillWait=2
MinJobAge={min_job_age}
InactiveLimit=0
JobRequeue=1
MaxArraySize=1001
SlurmdParameters=config_overrides
SlurmctldPort=16817
SlurmctldPidFile={folder}/run/slurmctld.pid
SlurmdPidFile={folder}/run/slurmd.%n.pid
SlurmdSpoolDir={folder}/spool.%n
StateSaveLocation={folder}/state
SlurmctldLogFile={folder}/log/slurmctld.log
SlurmdLogFile={folder}/log/slurmd.%n.log
NodeName=DEFAULT CPUs={cpus} RealMemory=1000 State=UNKNOWN
NodeName=n1 NodeAddr={address} NodeHostname={host} Port=16818 Features=image-a,fast
NodeName=n2 NodeAddr={address} NodeHostname={host} Port=16819 Features=image-b
PartitionName=p Nodes=n1,n2 Default=YES MaxTime=600 State=UP
"""


MEMORY_LIMITS = """\
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill,NoShared
DefMemPerCPU=100"""


class SlurmCluster:
    """A cluster that nobody else sees; ends only what lives in its namespace.

    Args:
        min_job_age: How long the queue shows a job that has ended, in seconds.
        cpus: Of each machine.
        limits_memory: Whether jobs that take more memory than they asked for are ended.
    """

    def __init__(self, *, min_job_age: int = 60, cpus: int = 4, limits_memory: bool = False) -> None:
        self.namespace = f"oml{secrets.token_hex(3)}"
        self.folder = Path(tempfile.mkdtemp(prefix="oml-", dir="/tmp"))  # sockets want short paths
        self.bin = self.folder / "bin"
        self.configuration = self.folder / "slurm.conf"
        self._values = {
            "host": socket.gethostname().split(".")[0],
            "address": ADDRESS,
            "folder": self.folder,
            "min_job_age": min_job_age,
            "cpus": cpus,
            "counted": "CR_Core_Memory" if limits_memory else "CR_Core",
            "gathered": MEMORY_LIMITS if limits_memory else "JobAcctGatherType=jobacct_gather/none",
        }

    def start(self) -> None:
        """Start everything, and wait until both machines are idle."""
        self.folder.chmod(0o755)
        for name in ("state", "run", "log", "spool.n1", "spool.n2", "bin"):
            (self.folder / name).mkdir(mode=0o755)
        self.configuration.write_text(CONFIGURATION.format(**self._values))
        (self.folder / "cgroup.conf").write_text("CgroupPlugin=cgroup/v1\nCgroupAutomount=no\n")
        self._make_network()
        self._make_clients()
        self._start_munge()
        self.start_controller("-c")
        for machine in ("n1", "n2"):
            self.start_machine(machine)
        give_up_at = time.monotonic() + START_SECONDS
        while self.client("sinfo", "-h", "-N", "-t", "idle", "-o", "%N").split() != ["n1", "n2"]:
            if time.monotonic() > give_up_at:
                raise AssertionError(f"the cluster did not start:\n{self.logs()}")  # noqa: EM102  # what the daemons say
            time.sleep(0.1)

    def stop(self) -> None:
        """End what lives in the namespace, and take it away with everything else."""
        give_up_at = time.monotonic() + START_SECONDS
        while (pids := self.pids()) and time.monotonic() < give_up_at:
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.05)
        self._ip("netns", "del", self.namespace, check=False)
        shutil.rmtree(f"/etc/netns/{self.namespace}", ignore_errors=True)
        with suppress(OSError):
            Path("/etc/netns").rmdir()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start_controller(self, *arguments: str) -> None:
        self._daemon("slurmctld", "-f", str(self.configuration), "-i", *arguments)

    def start_machine(self, name: str) -> None:
        self._daemon("slurmd", "-f", str(self.configuration), "-N", name)

    def kill(self, daemon: str) -> None:
        """Kill -9 the controller (``slurmctld``) or a machine (``slurmd.n1``), and wait until it is dead."""
        pid = self._pid(daemon)
        os.kill(pid, signal.SIGKILL)
        eventually(lambda: not alive(pid))

    def pause(self, daemon: str) -> None:
        """Have the controller or a machine hang: it takes connections, and answers none."""
        os.kill(self._pid(daemon), signal.SIGSTOP)

    def pids(self) -> list[int]:
        """The processes in the namespace, jobs included."""
        told = self._ip("netns", "pids", self.namespace, check=False)
        return [pid for pid in map(int, told.split()) if alive(pid)]

    def pids_of(self, text: str) -> list[int]:
        """The processes in the namespace whose command line holds ``text``."""
        return [pid for pid in self.pids() if text in command_line(pid)]

    def client(self, *command: str, check: bool = False) -> str:
        run = subprocess.run(
            [str(self.bin / command[0]), *command[1:]],
            capture_output=True,
            text=True,
            timeout=START_SECONDS,
            check=check,
        )
        return run.stdout

    def logs(self) -> str:
        return "\n".join(path.read_text()[-2000:] for path in sorted((self.folder / "log").iterdir()))

    def _pid(self, daemon: str) -> int:
        return int((self.folder / "run" / f"{daemon}.pid").read_text())

    def _make_network(self) -> None:
        hosts = Path(f"/etc/netns/{self.namespace}/hosts")
        hosts.parent.mkdir(parents=True)
        hosts.write_text(f"127.0.0.1 localhost\n{ADDRESS} {self._values['host']} n1 n2\n")
        self._ip("netns", "add", self.namespace)
        for command in (
            "link set lo up",
            "link add sl0 type veth peer name sl1",
            f"addr add {ADDRESS}/24 dev sl0",
            "link set sl0 up",
            "link set sl1 up",
        ):
            self._ip("-n", self.namespace, *command.split())

    def _make_clients(self) -> None:
        for name in CLIENTS:
            client = self.bin / name
            client.write_text(
                f"#!/bin/sh\nexport SLURM_CONF={self.configuration}\n"
                f'exec ip netns exec {self.namespace} {shutil.which(name)} "$@"\n'
            )
            client.chmod(0o755)

    def _start_munge(self) -> None:
        run, log = self.folder / "run", self.folder / "log"
        key = self.folder / "munge.key"
        key.touch(mode=0o600)
        key.write_bytes(secrets.token_bytes(128))
        self._daemon(
            "munged",
            "--force",
            f"--key-file={key}",
            f"--socket={run}/munge.sock",
            f"--pid-file={run}/munge.pid",
            f"--log-file={log}/munge.log",
            f"--seed-file={run}/munge.seed",
        )

    def _daemon(self, *command: str) -> None:
        with (self.folder / "log" / f"{command[0]}.out").open("ab") as out:
            subprocess.run(
                ["ip", "netns", "exec", self.namespace, *command],
                env={"PATH": os.environ["PATH"], "HOME": "/root", "SLURM_CONF": str(self.configuration)},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                timeout=START_SECONDS,
                check=True,
            )

    def _ip(self, *arguments: str, check: bool = True) -> str:
        run = subprocess.run(["ip", *arguments], capture_output=True, text=True, timeout=START_SECONDS, check=check)
        return run.stdout


def alive(pid: int) -> bool:
    """Tell whether a process runs; one that only waits to be reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in {"Z", "X"}
    except OSError:
        return False


def command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def eventually(is_so: Callable[[], bool], seconds: float = 20.0) -> None:
    give_up_at = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < give_up_at, "it did not come about"
        time.sleep(0.05)
