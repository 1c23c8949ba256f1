// Which process made a TCP connection to us: asked of the kernel (Linux), because nothing that a far end is told names the process.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** Of `pids`, the one that has the local end of a connection from `remotePort` to `localPort`; null when it is gone. */
export function ownerOfConnection(remotePort: number, localPort: number, pids: readonly number[]): number | null {
  const inode = inodeOf(remotePort, localPort);
  if (inode === null) return null;
  return pids.find((pid) => socketsOf(pid).has(`socket:[${inode}]`)) ?? null;
}

function inodeOf(from: number, to: number): string | null {
  const ending = (port: number): string => `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  for (const line of readFileSync('/proc/net/tcp', 'utf8').split('\n')) {
    const [, local = '', remote = '', , , , , , , inode = ''] = line.trim().split(/\s+/);
    if (local.endsWith(ending(from)) && remote.endsWith(ending(to))) return inode;
  }
  return null;
}

function socketsOf(pid: number): Set<string> {
  const directory = `/proc/${pid}/fd`;
  try {
    return new Set(readdirSync(directory).map((fd) => linkOf(`${directory}/${fd}`)));
  } catch {
    return new Set();
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
