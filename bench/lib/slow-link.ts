import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { argv, stdout } from 'node:process';

/**
 * A link with latency, as a process of its own: `slow-link.ts PORT ROUND_TRIP_MS` listens on a free port, prints it, and passes bytes on to
 * PORT of this machine, each half a round trip later; the first of a connection a whole one more, as the handshake would take.
 * For kernels without netem. Bandwidth is not limited.
 */
const [port = 0, roundTrip = 0] = argv.slice(2).map(Number);

const server = createServer({ noDelay: true }, (client) => {
  const upstream = connect({ port, host: '127.0.0.1', noDelay: true });
  const handshakeOver = performance.now() + roundTrip;
  pass(client, upstream, () => Math.max(performance.now(), handshakeOver) + roundTrip / 2);
  pass(upstream, client, () => performance.now() + roundTrip / 2);
});
server.listen(0, '127.0.0.1', () => stdout.write(`port ${(server.address() as AddressInfo).port}\n`));

function pass(from: Socket, to: Socket, arrival: () => number): void {
  const underway: { readonly at: number; readonly act: () => void }[] = [];
  const deliver = (): void => {
    while (underway[0] && underway[0].at <= performance.now() + 0.5) underway.shift()?.act();
    if (underway[0]) setTimeout(deliver, underway[0].at - performance.now());
  };
  const send = (act: () => void): void => {
    if (underway.push({ at: arrival(), act }) === 1) setTimeout(deliver, roundTrip / 2);
  };
  from.on('data', (chunk) => send(() => to.write(chunk)));
  from.on('end', () => send(() => to.end()));
  from.on('error', () => {});
  from.on('close', () => send(() => to.destroySoon()));
}
