// What `lazaretto doctor` looks at: is the domain known, can its delivery target be read and reached? Goes as far as a delivery does
// (greeting, EHLO, TLS, password) and delivers nothing. Called by doctor-command.ts.
import { canonicalDomain } from '../quarantine/address.ts';
import type { Policy, Quarantine } from '../quarantine/quarantine.ts';
import { findExchangers, systemResolver } from '../targets/mail-exchangers.ts';
import { parseDeliverTo } from '../targets/parse-target-url.ts';
import type { DeliverTo } from '../targets/parse-target-url.ts';
import { configuredRoute, exchangerRoute, openRoute } from '../targets/smtp-route.ts';
import type { Route } from '../targets/smtp-route.ts';
import { shownSize } from './shown-values.ts';

export interface Finding {
  ok: boolean;
  text: string;
}

const timeoutMs = 20_000;
const smtpPort = 25;

export async function examineDomain({ domains, policy }: Quarantine, typed: string): Promise<Finding[]> {
  const name = canonicalDomain(typed);
  const record = name ? domains.find(name) : undefined;
  if (!record) return [wrong(`${typed} is not known here; add it with "domain add"`)];
  const findings = [fine(record.name === name ? `${name} is known` : `${name} is an alias of ${record.name}`)];
  if (!record.quarantine) findings.push(fine('its quarantine is switched off: only global sees its mail'));
  let target: DeliverTo;
  try {
    target = parseDeliverTo(record.deliverTo);
  } catch (error) {
    return [...findings, wrong(`its delivery target cannot be read: ${reasonOf(error)}`)];
  }
  findings.push(fine(`released mail is delivered to ${target.kind === 'mx' ? 'its mail exchangers' : target.shown}`));
  if (target.kind !== 'mx')
    return [...findings, await examineRoute(configuredRoute(target, undefined), target.shown, policy)];
  for (const each of [record.name, ...record.aliases]) findings.push(...(await examineExchangers(each, policy)));
  return findings;
}

/** RFC 5321 section 5.1: one of them that answers is enough. */
async function examineExchangers(domain: string, policy: Policy): Promise<Finding[]> {
  const exchangers = await findExchangers(domain, systemResolver());
  if (!exchangers.found) return [wrong(exchangers.reply)];
  const findings: Finding[] = [];
  for (const exchanger of exchangers.found) {
    const shown = `mail exchanger ${exchanger.host} (${exchanger.address}) of ${domain}`;
    const finding = await examineRoute(exchangerRoute(exchanger, smtpPort), shown, policy);
    if (finding.ok) return [finding];
    findings.push(finding);
  }
  return findings;
}

async function examineRoute(route: Route, shown: string, policy: Policy): Promise<Finding> {
  try {
    const session = await openRoute(route, {
      heloName: policy.hostname,
      timeouts: { connectMs: timeoutMs, greetingMs: timeoutMs, replyMs: timeoutMs },
      ca: undefined,
      signal: AbortSignal.timeout(timeoutMs),
    });
    const most = Number(session.extension('SIZE') ?? 0);
    await session.quit();
    if (!most || most >= policy.maxMessageBytes) return fine(`${shown} answers`);
    return wrong(
      `${shown} answers, but takes messages of at most ${shownSize(most)}, and the quarantine keeps up to ` +
        `${shownSize(policy.maxMessageBytes)} (limits.messageBytes)`,
    );
  } catch (error) {
    return wrong(`${shown} takes no mail: ${reasonOf(error)}`);
  }
}

function fine(text: string): Finding {
  return { ok: true, text };
}

function wrong(text: string): Finding {
  return { ok: false, text };
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
