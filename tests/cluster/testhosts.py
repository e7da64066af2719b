#!/usr/bin/env python3
"""testhosts: N small "machines" on one Linux box, made of namespaces.

Every host has its own network, PID, mount, UTS and IPC namespace: its own
hostname, IP address, process table, /run, /dev/shm, /etc/hosts and, on
request, its own copy of further directories.  Nothing is created in the
network namespace of the caller.  The clock is shared with the real machine.

Command line (state is kept in $TESTHOSTS_DIR, default /tmp/testhosts):

    testhosts.py up 3 [--net bridge|soft] [--private DIR ...] [--copied DIR ...]
    testhosts.py exec h1 CMD ...        run, wait, pass on the exit status
    testhosts.py spawn h1 LOG CMD ...   start in the background, print its pid
    testhosts.py cut h3                 h3 alone on one side of the network
    testhosts.py partition h1,h2 h3     any split into groups
    testhosts.py heal                   one network again, no shaping
    testhosts.py shape '*' '*' delay_ms=20 jitter_ms=5 loss=0.05   (soft only)
    testhosts.py shape h1 h2 down=1     one direction only         (soft only)
    testhosts.py freeze h2 | thaw h2    SIGSTOP / SIGCONT, everything in it
    testhosts.py kill h2 | boot h2      power loss / power on (disks are kept)
    testhosts.py status | down

Python: see class Lab; conftest.py beside this file has the fixtures.
Needs root, or `unshare -Urn` around the whole test run.  Standard library
plus ip, nsenter and (with --net bridge) the kernel's bridge and veth.
"""

import argparse
import contextlib
import ctypes
import fcntl
import heapq
import json
import os
import random
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
from typing import ClassVar

ME = os.path.abspath(__file__)
NEWNS, NEWUTS, NEWIPC, NEWPID, NEWNET = (0x20000, 0x4000000, 0x8000000, 0x20000000, 0x40000000)
MS_REC, MS_PRIVATE, MS_BIND = 0x4000, 1 << 18, 0x1000
SIOCETHTOOL, ETHTOOL_STXCSUM = 0x8946, 0x17
ETH_P_ALL, SOL_PACKET, PACKET_IGNORE_OUTGOING = 3, 263, 23
_libc = ctypes.CDLL(None, use_errno=True)


class LabError(RuntimeError):
    pass


def _unshare(flags):
    if _libc.unshare(flags):
        err = ctypes.get_errno()
        raise OSError(err, "unshare: " + os.strerror(err))


def _mount(src, dst, fstype=None, flags=0, data=None):
    def enc(s):
        return s.encode() if s is not None else None

    if _libc.mount(enc(src), enc(dst), enc(fstype), flags, enc(data)):
        err = ctypes.get_errno()
        raise OSError(err, f"mount {src} on {dst}: {os.strerror(err)}")


def _wait_for(check, timeout, what):
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        value = check()
        if value:
            return value
        time.sleep(0.005)
    raise LabError("timeout: " + what)


def namespaces_usable():
    """True if this process may create the namespaces that a Lab needs, with mounts of their own.

    In a plain chroot the root is no mount point, and so cannot be made private.
    """
    pid = os.fork()
    if pid == 0:
        try:
            _unshare(NEWNS | NEWUTS | NEWIPC | NEWPID | NEWNET)
            _mount("none", "/", None, MS_REC | MS_PRIVATE)
            os._exit(0)
        except OSError:
            os._exit(1)
    return os.waitpid(pid, 0)[1] == 0


# --------------------------------------------------------------------------
# inside a host


def _host_main(conf):
    """Launcher: new namespaces, then fork; the child is PID 1 of the host."""
    _unshare(NEWNS | NEWUTS | NEWIPC | NEWPID | NEWNET)
    pid = os.fork()
    if pid == 0:
        try:
            _host_setup(conf)
        except BaseException as exc:
            _write(conf["dir"] + "/error", repr(exc))
            os._exit(1)
        _reap_forever()
    _write(conf["dir"] + "/pid", str(pid))
    _, status = os.waitpid(pid, 0)
    _write(conf["dir"] + "/exited", str(status))


def _host_setup(conf):
    _mount("none", "/", None, MS_REC | MS_PRIVATE)
    _mount("proc", "/proc", "proc")
    try:
        _mount("sysfs", "/sys", "sysfs")  # so /sys/class/net is the host's
        if os.path.isdir("/sys/fs/cgroup"):
            _mount("tmpfs", "/sys/fs/cgroup", "tmpfs", 0, "mode=755")
    except OSError:
        pass
    for path in conf["private"] + conf["copied"]:
        if not os.path.isdir(path):
            raise LabError(path + " must exist outside to be covered")
        store = conf["dir"] + "/disk" + path
        if not os.path.isdir(store):  # first boot
            os.makedirs(os.path.dirname(store), exist_ok=True)
            if path in conf["copied"]:  # without root: what is readable
                subprocess.run(["cp", "-a", path, store], check=False)
            os.makedirs(store, exist_ok=True)
        _mount(store, path, None, MS_BIND)
    for path, source in conf["binds"].items():
        _mount(source, path, None, MS_BIND)
    for path in conf["tmpfs"]:
        _mount("tmpfs", path, "tmpfs", 0, "mode=1777")
    _mount(conf["dir"] + "/../hosts", "/etc/hosts", None, MS_BIND)
    _write(conf["dir"] + "/hostname", conf["name"] + "\n")
    if os.path.exists("/etc/hostname"):
        _mount(conf["dir"] + "/hostname", "/etc/hostname", None, MS_BIND)
    socket.sethostname(conf["name"])
    _write(conf["dir"] + "/booted", "1")


def _reap_forever():
    """PID 1: collect orphans, ignore every signal but SIGKILL."""
    for sig in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(sig, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    while True:
        signal.sigwait({signal.SIGCHLD})
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            pass


def _write(path, text):
    with open(path + ".new", "w") as f:
        f.write(text)
    os.rename(path + ".new", path)


# --------------------------------------------------------------------------
# the switch: a network namespace with bridges, or a userspace Ethernet switch


class SoftSwitch:
    """Forwards frames between veth ends; each directed pair can be shaped."""

    IDEAL: ClassVar = {"delay_ms": 0.0, "jitter_ms": 0.0, "loss": 0.0, "dup": 0.0, "down": 0}

    def __init__(self, conf):
        self.rng = random.Random(conf.get("seed", 1))
        self.ports, self.owner = {}, {}  # number -> socket, fd -> number
        self.rules = {}  # (src, dst) -> dict
        self.queue, self.serial = [], 0
        self.stats = {"forwarded": 0, "dropped": 0, "late_ms_max": 0.0}
        self.ctl = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.ctl.bind(conf["dir"] + "/switch.sock")
        self.poll = select.epoll()
        self.poll.register(self.ctl, select.EPOLLIN)

    def plug(self, num):
        """p<num> is ours, q<num> is about to move into the host."""
        self.unplug(num)
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        sock.setblocking(False)
        sock.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        for name in (b"p%d" % num, b"q%d" % num):
            # frames leave through a raw socket: no unfinished checksums
            arg = ctypes.create_string_buffer(struct.pack("II", ETHTOOL_STXCSUM, 0))
            fcntl.ioctl(sock, SIOCETHTOOL, struct.pack("16sQ16s", name, ctypes.addressof(arg), b""))
        sock.bind((f"p{num}", ETH_P_ALL))
        self.ports[num], self.owner[sock.fileno()] = sock, num
        self.poll.register(sock, select.EPOLLIN)

    def unplug(self, num):
        sock = self.ports.pop(num, None)
        if sock is not None:
            del self.owner[sock.fileno()]
            self.poll.unregister(sock)
            sock.close()

    def control(self):
        data, peer = self.ctl.recvfrom(65536)
        answer = {"ok": True}
        try:
            msg = json.loads(data)
            if msg["op"] == "plug":
                self.plug(msg["num"])
            elif msg["op"] == "shape":
                for src, dst in msg["pairs"]:
                    rule = dict(self.rules.get((src, dst), self.IDEAL))
                    rule.update(msg["rule"])
                    self.rules[src, dst] = rule
            elif msg["op"] == "heal":
                self.rules.clear()
            elif msg["op"] == "stats":
                answer["stats"] = self.stats
        except Exception as exc:
            answer = {"ok": False, "error": repr(exc)}
        self.ctl.sendto(json.dumps(answer).encode(), peer)

    def deliver(self, dst, frame):
        sock = self.ports.get(dst)
        if sock is not None:
            try:
                sock.send(frame)
                self.stats["forwarded"] += 1
                return
            except OSError:
                pass
        self.stats["dropped"] += 1

    def frame_in(self, src, frame):
        # station addresses are 02:00:00:00:00:<host number>
        if frame[0] & 1:
            targets = [n for n in self.ports if n != src]
        else:
            targets = [frame[5]] if frame[5] in self.ports else []
        for dst in targets:
            rule = self.rules.get((src, dst))
            if rule is None:
                self.deliver(dst, frame)
                continue
            if rule["down"] or self.rng.random() < rule["loss"]:
                self.stats["dropped"] += 1
                continue
            for _ in range(2 if self.rng.random() < rule["dup"] else 1):
                wait = rule["delay_ms"] + self.rng.uniform(-rule["jitter_ms"], rule["jitter_ms"])
                if wait <= 0:
                    self.deliver(dst, frame)
                else:
                    self.serial += 1
                    heapq.heappush(
                        self.queue, (time.monotonic() + wait / 1e3, self.serial, dst, frame)
                    )

    def run(self):
        while True:
            wait = -1
            if self.queue:
                wait = max(0.0, self.queue[0][0] - time.monotonic())
            for fd, _ in self.poll.poll(wait):
                if fd == self.ctl.fileno():
                    self.control()
                    continue
                num = self.owner.get(fd)
                if num is None:
                    continue
                sock = self.ports[num]
                try:
                    for _ in range(64):
                        self.frame_in(num, sock.recv(65600))
                except BlockingIOError:
                    pass
                except OSError:  # link down: its host is off
                    pass
            now = time.monotonic()
            while self.queue and self.queue[0][0] <= now:
                due, _, dst, frame = heapq.heappop(self.queue)
                self.stats["late_ms_max"] = max(self.stats["late_ms_max"], (now - due) * 1e3)
                self.deliver(dst, frame)


def _switch_main(conf):
    _unshare(NEWNET)
    if conf["net"] == "soft":
        switch = SoftSwitch(conf)
        _write(conf["dir"] + "/switch.pid", str(os.getpid()))
        switch.run()
    _write(conf["dir"] + "/switch.pid", str(os.getpid()))
    while True:
        signal.pause()


# --------------------------------------------------------------------------
# the caller's side


class Proc:
    """A command running inside a host."""

    def __init__(self, host, popen, log):
        self.host, self.popen, self.log = host, popen, log
        self._pid = None

    @property
    def pid(self):
        """Its pid as seen from outside (nsenter's only child)."""
        if self._pid is None:
            path = f"/proc/{self.popen.pid}/task/{self.popen.pid}/children"

            def child():
                if self.popen.poll() is not None:
                    raise LabError(
                        f"{self.host.name}: command ended at once, status {self.popen.returncode}"
                    )
                with open(path) as f:
                    return f.read().split()

            self._pid = int(_wait_for(child, 5, "child of nsenter")[0])
        return self._pid

    def signal(self, sig):
        os.kill(self.pid, sig)

    def kill(self):
        self.signal(signal.SIGKILL)
        return self.wait(10)

    def poll(self):
        return self.popen.poll()

    def wait(self, timeout=None):
        return self.popen.wait(timeout)

    def output(self):
        with open(self.log, errors="replace") as f:
            return f.read()


class Host:
    def __init__(self, lab, num):
        self.lab, self.num = lab, num
        self.name = f"{lab.prefix}{num}"
        self.ip = f"{lab.subnet}.{num}"
        self.dir = f"{lab.dir}/{self.name}"

    @property
    def pid(self):
        """Pid of the host's init as seen from outside; None when it is off."""
        try:
            with open(self.dir + "/pid") as f:
                pid = int(f.read())
            os.readlink(f"/proc/{pid}/ns/pid")
            with open(f"/proc/{pid}/stat") as f:
                return None if ") Z " in f.read() else pid
        except (OSError, ValueError):
            return None

    def boot(self):
        if self.pid:
            raise LabError(self.name + " is already on")
        os.makedirs(self.dir, exist_ok=True)
        for name in ("pid", "booted", "error", "exited"):
            if os.path.exists(f"{self.dir}/{name}"):
                os.unlink(f"{self.dir}/{name}")
        self.lab._launch(
            "_host",
            {
                "dir": self.dir,
                "name": self.name,
                "private": self.lab.private,
                "copied": self.lab.copied,
                "tmpfs": self.lab.tmpfs,
                "binds": self.lab.binds,
            },
        )

        def booted():
            if os.path.exists(self.dir + "/error"):
                with open(self.dir + "/error") as f:
                    raise LabError(f"{self.name}: {f.read()}")
            return os.path.exists(self.dir + "/booted") and self.pid

        pid = _wait_for(booted, 20, self.name + " boots")
        self.lab._plug(self, pid)
        return self

    def argv(self, cmd, wd=None):
        pid = self.pid
        if not pid:
            raise LabError(self.name + " is off")
        if isinstance(cmd, str):
            cmd = ["/bin/sh", "-c", cmd]
        return [
            "nsenter",
            "-t",
            str(pid),
            "-m",
            "-u",
            "-i",
            "-n",
            "-p",
            "--wd=" + (wd or os.getcwd()),
            "--",
            *cmd,
        ]

    def run(self, cmd, timeout=60, check=False, input=None, env=None, wd=None):
        """Run to completion; str (through sh) or list."""
        return subprocess.run(
            self.argv(cmd, wd),
            timeout=timeout,
            check=check,
            text=True,
            input=input,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL if input is None else None,
        )

    def spawn(self, cmd, log=None, env=None, wd=None):
        """Start in the background; its output goes to a file of the lab."""
        if log is None:
            self.lab._serial += 1
            log = f"{self.dir}/out.{self.lab._serial}"
        with open(log, "ab") as f:
            popen = subprocess.Popen(
                self.argv(cmd, wd),
                stdout=f,
                stderr=f,
                stdin=subprocess.DEVNULL,
                env=env,
                start_new_session=True,
            )
        self.lab._started.append(popen)
        return Proc(self, popen, log)

    def pids(self):
        """All processes in the host but its init, with pids seen from here."""
        init = self.pid
        if not init:
            return []
        mine, found = os.readlink(f"/proc/{init}/ns/pid"), []
        for entry in os.listdir("/proc"):
            if entry.isdigit() and int(entry) != init:
                try:
                    if os.readlink(f"/proc/{entry}/ns/pid") == mine:
                        found.append(int(entry))
                except OSError:
                    pass
        return found

    def _wake_nsenter(self):
        """nsenter stops itself when its child stops; a stopped one would
        neither pass on a thaw nor collect its child after a power loss."""
        for pid in self.pids():
            try:
                with open(f"/proc/{pid}/stat") as f:
                    parent = int(f.read().rsplit(")", 1)[1].split()[1])
                with open(f"/proc/{parent}/comm") as f:
                    if f.read() == "nsenter\n":
                        os.kill(parent, signal.SIGCONT)
            except (OSError, ValueError):
                pass

    def _signal_all(self, sig):
        done = set()
        while True:  # until no newcomer is left
            new = set(self.pids()) - done
            if not new:
                return
            for pid in new:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, sig)
            done |= new

    def freeze(self):
        self._signal_all(signal.SIGSTOP)

    def thaw(self):
        self._signal_all(signal.SIGCONT)
        self._wake_nsenter()

    def kill(self):
        """Power loss: the link is gone first, so that no socket says goodbye, then everything at once."""
        if self.pid:
            self.lab._unplug(self)
            self._die()

    def _die(self):
        pid = self.pid
        if not pid:
            return False
        os.kill(pid, signal.SIGKILL)
        for _ in range(100):
            try:
                _wait_for(lambda: not self.pid, 0.2, self.name + " goes off")
                return True
            except LabError:
                self._wake_nsenter()
        raise LabError(f"{self.name} does not go off")


class Lab:
    """The whole set.  Use as a context manager, or up() ... down()."""

    def __init__(
        self,
        n=None,
        dir=None,
        net="bridge",
        private=(),
        copied=(),
        binds=(),
        tmpfs=("/run", "/dev/shm"),
        prefix="h",
        subnet="10.77.0",
        seed=1,
    ):
        """private: directories that start empty in every host; copied: that
        start as a copy; both outlive kill() and boot().  binds: {path in the
        host: file outside}.  tmpfs: empty after every boot."""
        self.dir = os.path.abspath(dir or os.environ.get("TESTHOSTS_DIR", "/tmp/testhosts"))
        self._serial = int(time.time()) % 100000 * 1000
        self._started = []
        if n is None:  # an existing lab
            with open(self.dir + "/lab.json") as f:
                conf = json.load(f)
        else:
            conf = {
                "n": n,
                "net": net,
                "private": list(private),
                "copied": list(copied),
                "binds": dict(binds),
                "tmpfs": list(tmpfs),
                "prefix": prefix,
                "subnet": subnet,
                "seed": seed,
            }
        self.conf, self.net = conf, conf["net"]
        self.private, self.copied = conf["private"], conf["copied"]
        self.binds, self.tmpfs = conf["binds"], conf["tmpfs"]
        self.prefix, self.subnet = conf["prefix"], conf["subnet"]
        self.hosts = [Host(self, i + 1) for i in range(conf["n"])]

    def __enter__(self):
        return self.up()

    def __exit__(self, *exc):
        self.down()

    def __getitem__(self, key):
        for host in self.hosts:
            if key in (host.name, host.num):
                return host
        raise KeyError(key)

    # -- life cycle
    def up(self):
        if os.path.exists(self.dir + "/lab.json"):
            raise LabError(self.dir + " is in use; call down first")
        os.makedirs(self.dir, exist_ok=True)
        _write(self.dir + "/lab.json", json.dumps(self.conf))
        _write(
            self.dir + "/hosts",
            "127.0.0.1 localhost\n" + "".join(f"{h.ip} {h.name}\n" for h in self.hosts),
        )
        try:
            self._launch("_switch", dict(self.conf, dir=self.dir))
            _wait_for(self._switch_pid, 10, "switch starts")
            if self.net == "bridge":
                self._ip(
                    [
                        f"link add br{i} type bridge forward_delay 0 stp_state 0 mcast_snooping 0"
                        for i in range(len(self.hosts) + 1)
                    ]
                    + [f"link set br{i} up" for i in range(len(self.hosts) + 1)]
                )
            for host in self.hosts:
                host.boot()
        except BaseException:
            self.down()
            raise
        return self

    def down(self):
        for host in self.hosts:
            host._die()
        pid = self._switch_pid()
        if pid:
            os.kill(pid, signal.SIGKILL)
            _wait_for(lambda: not self._switch_pid(), 10, "switch ends")
        for popen in self._started + self.__dict__.get("_launchers", []):
            popen.wait(10)  # no zombies of ours
        if os.path.exists(self.dir + "/lab.json"):
            shutil.rmtree(self.dir, ignore_errors=True)

    def _launch(self, role, conf):
        with open(self.dir + "/lab.log", "ab") as log:
            proc = subprocess.Popen(
                [sys.executable, ME, role, json.dumps(conf)],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                cwd="/",
            )
        self.__dict__.setdefault("_launchers", []).append(proc)

    def _switch_pid(self):
        for proc in self.__dict__.get("_launchers", []):
            proc.poll()  # no zombies of ours
        try:
            with open(self.dir + "/switch.pid") as f:
                pid = int(f.read())
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                return pid if b"_switch" in f.read() else None
        except (OSError, ValueError):
            return None

    # -- network
    def _ip(self, lines, tool=("ip",)):
        subprocess.run(
            ["nsenter", "-t", str(self._switch_pid()), "-n", *tool, "-batch", "-"],
            input="\n".join(lines) + "\n",
            text=True,
            check=True,
        )

    def _plug(self, host, pid):
        mac, num = f"02:00:00:00:00:{host.num:02x}", host.num
        if self.net == "bridge":
            self._ip(
                [
                    f"link add p{num} type veth peer name eth0 address {mac} netns {pid}",
                    f"link set p{num} master br0 up",
                ]
            )
        else:
            self._ip(
                [
                    f"link add p{num} type veth peer name q{num} address {mac}",
                    f"link set p{num} addrgenmode none",
                    f"link set p{num} up",
                ]
            )
            self._control(op="plug", num=num)
            self._ip([f"link set q{num} netns {pid} name eth0"])
        subprocess.run(
            ["nsenter", "-t", str(pid), "-n", "ip", "-batch", "-"],
            text=True,
            input=f"link set lo up\naddr add {host.ip}/24 dev eth0\nlink set eth0 up\n",
            check=True,
        )

    def _unplug(self, host):
        # the kernel drops a dead network namespace only some time later
        subprocess.run(
            ["nsenter", "-t", str(self._switch_pid()), "-n", "ip", "link", "del", f"p{host.num}"],
            stderr=subprocess.DEVNULL,
            check=False,
        )

    def _control(self, **msg):
        # not an abstract address: those end at the network namespace
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        mine = f"{self.dir}/ctl.{os.getpid()}.{id(sock)}"
        try:
            sock.bind(mine)
            sock.settimeout(5)
            sock.sendto(json.dumps(msg).encode(), self.dir + "/switch.sock")
            answer = json.loads(sock.recv(65536))
        finally:
            sock.close()
            if os.path.exists(mine):
                os.unlink(mine)
        if not answer["ok"]:
            raise LabError(answer["error"])
        return answer

    def _num(self, key):
        return getattr(key, "num", None) or self[key].num

    def partition(self, *groups):
        """Split the network; hosts in no group form one more group."""
        groups = [{self._num(h) for h in g} for g in groups]
        rest = {h.num for h in self.hosts} - set().union(*groups)
        if rest:
            groups.append(rest)
        if self.net == "bridge":
            on = {h.num for h in self.hosts if h.pid}
            self._ip(
                [f"link set p{n} master br{i}" for i, g in enumerate(groups) for n in g if n in on]
            )
            return
        side = {n: i for i, g in enumerate(groups) for n in g}
        pairs = [(a, b) for a in side for b in side if a != b]
        for down in (0, 1):
            self._control(
                op="shape",
                rule={"down": down},
                pairs=[p for p in pairs if (side[p[0]] != side[p[1]]) == bool(down)],
            )

    def cut(self, *hosts):
        """Each of these hosts sees nobody; the others see each other."""
        self.partition(*[[h] for h in hosts])

    def heal(self):
        """All links up, all shaping gone."""
        if self.net == "bridge":
            self.partition(list(self.hosts))
        else:
            self._control(op="heal")

    def shape(self, src="*", dst="*", **rule):
        """delay_ms, jitter_ms, loss (0..1), dup (0..1), down: one direction."""
        if self.net != "soft":
            raise LabError("shaping needs net='soft'")
        unknown = set(rule) - set(SoftSwitch.IDEAL)
        if unknown:
            raise LabError("unknown shaping: " + ", ".join(unknown))

        def pick(key):
            return [h.num for h in self.hosts] if key == "*" else [self._num(key)]

        self._control(
            op="shape", rule=rule, pairs=[(a, b) for a in pick(src) for b in pick(dst) if a != b]
        )

    def switch_stats(self):
        return self._control(op="stats")["stats"]


# --------------------------------------------------------------------------
# where namespaces are not permitted: processes on loopback addresses


class LoopbackHost:
    """Same calls as Host as far as plain processes allow; see test-hosts.md."""

    def __init__(self, lab, num):
        self.lab, self.num = lab, num
        self.name, self.ip = f"{lab.prefix}{num}", f"127.77.0.{num}"
        self.dir, self.on, self.procs = f"{lab.dir}/{self.name}", False, []

    def boot(self):
        shutil.rmtree(self.dir + "/run", ignore_errors=True)
        for part in ("disk", "run"):
            os.makedirs(f"{self.dir}/{part}", exist_ok=True)
        self.on = True
        return self

    def env(self, env=None):
        """What an agent needs to know, as nothing else sets hosts apart."""
        return dict(
            env or os.environ,
            TESTHOST_NAME=self.name,
            TESTHOST_IP=self.ip,
            TESTHOST_DISK=self.dir + "/disk",
            TESTHOST_RUN=self.dir + "/run",
            TESTHOST_DROP=self.dir + "/drop.json",
        )

    def spawn(self, cmd, log=None, env=None, wd=None):
        log = log or f"{self.dir}/out.{len(self.procs)}"
        with open(log, "ab") as f:
            popen = subprocess.Popen(
                cmd,
                shell=isinstance(cmd, str),
                stdout=f,
                stderr=f,
                cwd=wd,
                stdin=subprocess.DEVNULL,
                env=self.env(env),
                start_new_session=True,
            )
        proc = Proc(self, popen, log)
        proc._pid = popen.pid
        self.procs.append(proc)
        return proc

    def run(self, cmd, timeout=60, check=False, input=None, env=None, wd=None):
        return subprocess.run(
            cmd,
            shell=isinstance(cmd, str),
            timeout=timeout,
            check=check,
            text=True,
            input=input,
            stdout=subprocess.PIPE,
            cwd=wd,
            stderr=subprocess.STDOUT,
            env=self.env(env),
            stdin=subprocess.DEVNULL if input is None else None,
        )

    def pids(self):
        """Processes that still carry this host's environment."""
        mark = f"TESTHOST_RUN={self.dir}/run".encode()
        found = []
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                try:
                    with open(f"/proc/{entry}/environ", "rb") as f:
                        if mark in f.read().split(b"\0"):
                            found.append(int(entry))
                except OSError:
                    pass
        return found

    _signal_all = Host._signal_all

    def freeze(self):
        self._signal_all(signal.SIGSTOP)

    def thaw(self):
        self._signal_all(signal.SIGCONT)

    def kill(self):
        """Not at once as with namespaces: one process after the other."""
        self.freeze()
        self._signal_all(signal.SIGKILL)
        for proc in self.procs:
            proc.popen.wait(10)
        self.procs, self.on = [], False


class LoopbackLab:
    """cut() only writes each host's TESTHOST_DROP file, a JSON list of the
    addresses that its agent has to ignore, sending and receiving."""

    net = "loopback"
    __enter__, __exit__ = Lab.__enter__, Lab.__exit__
    __getitem__, cut, _num = Lab.__getitem__, Lab.cut, Lab._num

    def __init__(self, n, dir="/tmp/testhosts", prefix="h", **ignored):
        self.dir, self.prefix = os.path.abspath(dir), prefix
        self.hosts = [LoopbackHost(self, i + 1) for i in range(n)]

    def up(self):
        for host in self.hosts:
            host.boot()
        self.heal()
        return self

    def down(self):
        for host in self.hosts:
            host.kill()

    def partition(self, *groups):
        groups = [{self._num(h) for h in g} for g in groups]
        groups.append({h.num for h in self.hosts} - set().union(*groups))
        for host in self.hosts:
            mine = next(g for g in groups if host.num in g)
            _write(
                host.dir + "/drop.json", json.dumps([h.ip for h in self.hosts if h.num not in mine])
            )

    def heal(self):
        self.partition(self.hosts)


def main(argv):
    if argv and argv[0] in ("_host", "_switch"):
        return {"_host": _host_main, "_switch": _switch_main}[argv[0]](json.loads(argv[1]))
    ap = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    ap.add_argument(
        "op",
        choices="up exec spawn cut partition heal shape freeze thaw kill boot status down".split(),
    )
    ap.add_argument("args", nargs=argparse.REMAINDER)
    opt = ap.parse_args(argv)
    if opt.op == "up":
        up = argparse.ArgumentParser(prog="testhosts up")
        up.add_argument("n", type=int)
        up.add_argument("--net", choices=("bridge", "soft"), default="bridge")
        up.add_argument("--private", nargs="*", default=[])
        up.add_argument("--copied", nargs="*", default=[])
        up.add_argument("--seed", type=int, default=1)
        a = up.parse_args(opt.args)
        lab = Lab(a.n, net=a.net, private=a.private, copied=a.copied, seed=a.seed).up()
        print(" ".join(f"{h.name}={h.ip}" for h in lab.hosts))
        return 0
    lab = Lab()
    if opt.op == "exec":
        return subprocess.run(lab[opt.args[0]].argv(opt.args[1:]), check=False).returncode
    if opt.op == "spawn":
        print(lab[opt.args[0]].spawn(opt.args[2:], log=opt.args[1]).pid)
    elif opt.op == "partition":
        lab.partition(*[g.split(",") for g in opt.args])
    elif opt.op == "cut":
        lab.cut(*opt.args)
    elif opt.op == "shape":
        lab.shape(
            opt.args[0],
            opt.args[1],
            **{k: float(v) for k, v in (a.split("=") for a in opt.args[2:])},
        )
    elif opt.op in ("freeze", "thaw", "kill", "boot"):
        for name in opt.args:
            getattr(lab[name], opt.op)()
    elif opt.op == "status":
        for host in lab.hosts:
            print(
                host.name,
                host.ip,
                f"on pid={host.pid}" if host.pid else "off",
                f"processes={len(host.pids())}",
            )
    else:
        getattr(lab, opt.op)()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
