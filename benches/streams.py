#!/usr/bin/env python3
"""What a hundred streams at 10 Hz do to the ticks of a live farm.

Starts a farm at 10 Hz and measures, in turn and in one run, phases without and with the streams: by how much
each tick was published later than the earliest of its phase would have it. The times are the farm's own, out of
one stream that is there in both kinds of phase. Also told: events that arrived, snapshots that were skipped,
streams that were dropped, and the processor time of the server.

usage: streams.py BESS [--units N] [--streams N] [--seconds S] [--rounds N] [--query QUERY]
"""

import argparse, json, os, re, selectors, socket, subprocess, sys, tempfile, time, urllib.request
from datetime import datetime


def open_stream(address, query):
    """A stream whose head was read."""
    peer = socket.create_connection(address, timeout=10)
    peer.sendall(f'GET /api/v1/stream?{query} HTTP/1.1\r\nHost: bess\r\n\r\n'.encode())
    head = b''
    while b'\r\n\r\n' not in head:
        head += peer.recv(4096)
    if b' 200 ' not in head.split(b'\r\n')[0]:
        raise SystemExit(f'no stream: {head[:200]}')
    peer.setblocking(False)
    return peer


class Probe:
    """Publication times of ticks."""

    def __init__(self, address):
        self.peer = open_stream(address, 'rate_hz=10&signals=poi.active_power')
        self.text = b''
        self.samples = []

    def read(self):
        self.text += self.peer.recv(65536)
        *events, self.text = self.text.split(b'\n\n')
        for event in events:
            found = re.search(rb'data: (\{.*\})', event)
            if found:
                data = json.loads(found[1])
                wall = data['wall_time'].rstrip('Z')
                whole, _, part = wall.partition('.')
                at = datetime.fromisoformat(whole + '+00:00').timestamp() + float('0.' + (part or '0'))
                self.samples.append(at - 0.1 * data['tick'])

    def lateness_s(self):
        samples, self.samples = self.samples, []
        return [sample - min(samples) for sample in samples]


def phase(address, probe, streams, query, seconds):
    """Reads for a while; lateness of the ticks in it and bytes that arrived."""
    selector = selectors.DefaultSelector()
    selector.register(probe.peer, selectors.EVENT_READ)
    peers = [open_stream(address, query) for _ in range(streams)]
    for peer in peers:
        selector.register(peer, selectors.EVENT_READ)
    # Opening them is not the question.
    settled, end, n_bytes = time.monotonic() + 1, time.monotonic() + 1 + seconds, 0
    while time.monotonic() < end:
        for key, _ in selector.select(0.1):
            if key.fileobj is probe.peer:
                probe.read()
            else:
                n_bytes += len(key.fileobj.recv(262144))
        if settled and time.monotonic() > settled:
            probe.samples, n_bytes, settled = [], 0, None
    for peer in peers:
        peer.close()
    return probe.lateness_s(), n_bytes


def quantile(values, q):
    values = sorted(values)
    return values[min(len(values) - 1, int(q * len(values)))]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('bess')
    parser.add_argument('--units', type=int, default=10)
    # One place is for the probe.
    parser.add_argument('--streams', type=int, default=99)
    parser.add_argument('--seconds', type=float, default=12)
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--query', default='rate_hz=10&topics=snapshot,alarms,events,writes')
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        farm = subprocess.run([args.bess, 'farm', 'init'], check=True, capture_output=True, text=True).stdout
        path = os.path.join(folder, 'farm.toml')
        with open(path, 'w') as file:
            file.write(farm.replace('count = 10', f'count = {args.units}'))
        endpoints = os.path.join(folder, 'endpoints.json')
        process = subprocess.Popen([args.bess, 'serve', '--farm', path, '--modbus-port', '0', '--api-port', '0',
                                    '--metrics-port', '0', '--endpoints', endpoints, '--log', 'warn'],
                                   stderr=subprocess.DEVNULL)
        try:
            measure(args, process, endpoints)
        finally:
            process.terminate()
            process.wait(10)


def measure(args, process, endpoints):
    while not os.path.exists(endpoints):
        if process.poll() is not None:
            raise SystemExit('the farm did not start')
        time.sleep(0.1)
    book = json.load(open(endpoints))
    address = (book['api']['host'], book['api']['port'])
    time.sleep(2)
    probe = Probe(address)
    alone, streamed, n_bytes, cpu = [], [], 0, {'alone': 0.0, 'streamed': 0.0}
    for _ in range(args.rounds):
        before = cpu_of(process.pid)
        alone += phase(address, probe, 0, '', args.seconds)[0]
        between = cpu_of(process.pid)
        lateness, received = phase(address, probe, args.streams, args.query, args.seconds)
        cpu['alone'] += between - before
        cpu['streamed'] += cpu_of(process.pid) - between
        streamed += lateness
        n_bytes += received
    metrics = urllib.request.urlopen(book['metrics']['url']).read().decode()
    number = lambda name: next(line.split()[-1] for line in metrics.splitlines() if line.startswith(name))
    seconds = args.rounds * (args.seconds + 1)
    load = os.getloadavg()[0]
    for name, values, key in (('alone', alone, 'alone'), (f'{args.streams} streams', streamed, 'streamed')):
        figures = ', '.join(f'p{q * 100:g} {quantile(values, q) * 1e3:.2f} ms' for q in (0.5, 0.9, 0.99))
        print(f'{name:>12}: {len(values)} ticks, late {figures}, most {max(values) * 1e3:.2f} ms; '
              f'server {cpu[key] / seconds * 100:.1f} % of a core')
    moved = (quantile(streamed, 0.99) - quantile(alone, 0.99)) * 1e3
    print(f'p99 moved by {moved:.2f} ms; {n_bytes / args.rounds / args.seconds / 1e3:.0f} kB/s arrived; '
          f'{number("bess_http_stream_events_total{kind=")} snapshots sent, '
          f'{number("bess_http_stream_skipped_total{kind=")} skipped, '
          f'{number("bess_http_streams_dropped_total")} streams dropped, '
          f'{number("bess_ticks_skipped_total")} ticks skipped, load average {load:.1f}')


def cpu_of(pid):
    """Processor time that a process has used, in seconds."""
    fields = open(f'/proc/{pid}/stat').read().rsplit(')', 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


if __name__ == '__main__':
    sys.exit(main())
