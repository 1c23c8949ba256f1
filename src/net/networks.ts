// Which addresses belong to a list of networks. Only numbers, never names: no door waits for DNS. Used by the doors of mail (who may hand
// it in) and by proxied-client.ts (which balancers are believed).
import { BlockList, isIP } from 'node:net';

/** RFC 1122 section 3.2.1.3 and RFC 4291 section 2.5.3. */
export const loopbackNetworks: readonly string[] = ['127.0.0.0/8', '::1/128'];

/**
 * @param networks `10.0.0.0/8`, `2001:db8::/32` or single addresses
 * @throws Error that names a network that is none
 */
export function networkMatcher(networks: readonly string[]): (address: string) => boolean {
  const list = new BlockList();
  for (const network of networks) addNetwork(list, network);
  return (address) => {
    const version = isIP(address);
    return version !== 0 && list.check(address, version === 6 ? 'ipv6' : 'ipv4');
  };
}

function addNetwork(list: BlockList, network: string): void {
  const [address = '', prefix, ...rest] = network.split('/');
  const version = isIP(address);
  const longest = version === 6 ? 128 : 32;
  const bits = prefix === undefined ? longest : Number(prefix);
  if (!version || rest.length || prefix === '' || !Number.isInteger(bits) || bits < 0 || bits > longest) {
    throw new Error(
      `"${network}" is no network; expected one such as 10.0.0.0/8, 2001:db8::/32 or a single IP address.`,
    );
  }
  list.addSubnet(address, bits, version === 6 ? 'ipv6' : 'ipv4');
}
