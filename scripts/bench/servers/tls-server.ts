// `node tls-server.ts CERT KEY [BYTES]`: a TLS server of Node and nothing else, to compare with: what a session costs at least, and how fast
// bytes can go. Says its port on stdout. Each line that a client sends is answered with BYTES bytes and `done`.
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:tls';

const [cert = '', key = '', bytes = '0'] = process.argv.slice(2);
const chunk = Buffer.alloc(256 * 1024, 'a line of seventy-two characters that stands for the body of a mail\r\n');

const server = createServer(
  { cert: readFileSync(cert), key: readFileSync(key), minVersion: 'TLSv1.2', noDelay: true },
  (socket) => {
    socket.on('error', () => undefined);
    socket.write('* OK ready\r\n');
    socket.on('data', (line: Buffer) => {
      let left = Number(bytes);
      const send = (): void => {
        while (left > 0) {
          const piece = chunk.subarray(0, left);
          left -= piece.length;
          if (!socket.write(piece)) return void socket.once('drain', send);
        }
        socket.write(`\r\n${line.toString('latin1').split(' ')[0]} OK done\r\n`);
      };
      send();
    });
  },
);
server.listen(0, '127.0.0.1', () => console.log((server.address() as AddressInfo).port));
process.once('SIGTERM', () => process.exit());
