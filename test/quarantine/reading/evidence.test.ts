// What the filter said, and that nobody else can say it.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Evidence, readEvidence } from '../../../src/quarantine/reading/evidence.ts';
import { checkedReading, message } from './checked-reading.ts';

function evidence(lines: string[], trustedHosts: string[] = []): Evidence {
  const raw = message(...lines, '', 'X-Spam-Score: 99', '');
  return readEvidence(raw, checkedReading(raw), trustedHosts);
}
const hop = (by: string): string =>
  `Received: from sender.example ([192.0.2.1]) by ${by} (Postfix) with ESMTP id 1; Mon, 1 Jan 2024 00:00:00 +0000`;
const score = (value: number): string => `X-Spam-Score: ${value}`;
/** What the filter says, above its own line. */
const said = (...lines: string[]): Evidence => evidence([...lines, hop('filter.example')], ['filter.example']);

describe('evidence is believed', () => {
  const rows: [title: string, trusted: string[], lines: string[], score: number | undefined][] = [
    ["above the filter's own Received line", ['filter.example'], [score(1), hop('filter.example'), score(2)], 1],
    ['not below it', ['filter.example'], [hop('filter.example'), score(2)], undefined],
    [
      'above servers of ours behind the filter too',
      ['filter.example'],
      [score(1), hop('store.example'), score(2), hop('filter.example')],
      1,
    ],
    [
      'between such a server and the filter',
      ['filter.example'],
      [hop('store.example'), score(2), hop('filter.example')],
      2,
    ],
    [
      'not above a forged line of the filter further down',
      ['filter.example'],
      [hop('filter.example'), score(2), hop('filter.example')],
      undefined,
    ],
    ['not at all when no trusted host is named', ['filter.example'], [score(1), hop('other.example')], undefined],
    ['not at all when there is no Received line', ['filter.example'], [score(1)], undefined],
    ['without trusted hosts, above the first Received line', [], [score(1), hop('any.example'), score(2)], 1],
    ['without trusted hosts, not below it', [], [hop('any.example'), score(2), hop('any.example')], undefined],
    ['without trusted hosts, not when there is no Received line', [], [score(1), 'Subject: x'], undefined],
    [
      'whichever of the hosts it is',
      ['a.example', 'b.example'],
      [score(1), hop('b.example'), score(2), hop('a.example')],
      1,
    ],
    ['in any case, with a dot at the end', ['Filter.Example.'], [score(1), hop('FILTER.example')], 1],
    [
      'when the host is part of another name: not',
      ['filter.example'],
      [score(1), hop('filter.example.evil.example')],
      undefined,
    ],
    ['the other way round: not', ['filter.example'], [score(1), hop('evil-filter.example')], undefined],
    [
      'when only "from" names the host: not',
      ['filter.example'],
      [score(1), 'Received: from filter.example by x.example'],
      undefined,
    ],
    [
      'when the line is folded',
      ['filter.example'],
      [score(1), 'Received: from x', '\tby', ' filter.example', ' (x)'],
      1,
    ],
  ];
  for (const [title, trusted, lines, expected] of rows) {
    test(title, () => assert.equal(evidence(lines, trusted).score, expected));
  }

  test("whatever a sender calls himself in the filter's own line", () => {
    const forged = [score(99), 'X-Virus: none', hop('filter.example')];
    for (const helo of ['by', '(by', 'by evil.example', 'x (by y', '"', ';', '<by>', 'by filter', 'x) by (y', '\\']) {
      const line = `Received: from ${helo} ([192.0.2.1]) by filter.example with ESMTP`;
      assert.equal(evidence([score(1), line, ...forged], ['filter.example']).score, 1, helo);
      assert.equal(evidence([line, ...forged], ['filter.example']).score, undefined, helo);
    }
  });

  test('nothing is kept of headers that are not believed', () => {
    assert.deepEqual(evidence([hop('x.example'), score(1), 'X-Virus: Eicar']), { category: 'spam', headers: [] });
  });

  test('the topmost of equal fields wins', () => {
    const found = said('X-Spam-Score: 1', 'X-SPAM-SCORE: 2', 'X-Spam-Flag: YES');
    assert.equal(found.score, 1);
    assert.deepEqual(found.headers, [
      { name: 'X-Spam-Score', value: '1' },
      { name: 'X-Spam-Flag', value: 'YES' },
    ]);
  });
});

describe('the fields of', () => {
  test('SpamAssassin', () => {
    const found = said(
      'X-Spam-Flag: YES',
      'X-Spam-Status: Yes, score=12.3 required=5.0 tests=BAYES_99,HTML_MESSAGE,',
      '\tMISSING_SUBJECT autolearn=no autolearn_force=no version=3.4.2',
    );
    assert.equal(found.category, 'spam');
    assert.equal(found.score, 12.3);
    assert.deepEqual(found.symbols, ['BAYES_99', 'HTML_MESSAGE', 'MISSING_SUBJECT']);
    assert.equal(said('X-Spam-Status: No, hits=-0.9 required=5.0 tests=none').score, -0.9);
    assert.equal(said('X-Spam-Status: No, hits=-0.9 required=5.0 tests=none').symbols, undefined);
  });

  test('amavis', () => {
    const status = 'X-Spam-Status: Yes, score=8.1 tagged_above=-999 required=6.2 tests=[A_B=3.5, C=4.6] autolearn=no';
    assert.deepEqual(said(status).symbols, ['A_B', 'C']);
    assert.equal(said('X-Amavis-Alert: INFECTED, message contains virus: Eicar-Test-Signature').category, 'virus');
    assert.equal(said('X-Amavis-Alert: BANNED, message contains .exe,.exe-ms,a.exe').category, 'policy');
    assert.equal(said('X-Amavis-Alert: BAD HEADER SECTION, Non-encoded 8-bit data').category, 'policy');
  });

  test('rspamd', () => {
    const found = said(
      'X-Spamd-Result: default: True [15.20 / 15.00];',
      '\tBAYES_SPAM(5.10)[99.98%];',
      '\tR_SPF_FAIL(1.00)[-all];',
      '\tMIME_TRACE(0.00)[0:+,1:+]',
      'X-Rspamd-Server: filter',
      'X-Rspamd-Action: add header',
      'X-Spam: Yes',
    );
    assert.equal(found.score, 15.2);
    assert.equal(found.action, 'add header');
    assert.deepEqual(found.symbols, ['BAYES_SPAM', 'R_SPF_FAIL', 'MIME_TRACE']);
    assert.equal(found.headers.length, 4);
    assert.equal(said('X-Rspamd-Score: -1.5').score, -1.5);
    assert.equal(said('X-Spamd-Result: default: True [5.00 / 15.00]; CLAM_VIRUS(0.00)[Eicar]').category, 'virus');
    assert.equal(said('X-Spamd-Result: default: False [0 / 15]; CLAM_VIRUS_FAIL(0.00)[]').category, 'spam');
    assert.equal(said('X-Spamd-Result: default: True [9 / 15]; PHISHED_OPENPHISH(7.00)[x]').category, 'phishing');
  });

  test('ClamAV and others that name a virus', () => {
    assert.equal(said('X-Virus: Eicar-Signature').category, 'virus');
    assert.equal(said('X-Virus-Status: Infected (Eicar)').category, 'virus');
    for (const clean of ['Clean', 'No', 'none', 'not checked', '', '0']) {
      assert.equal(said(`X-Virus-Status: ${clean}`).category, 'spam', clean);
    }
    assert.equal(said('X-Virus-Scanned: clamav-milter 0.103 at filter').category, 'spam');
  });

  test('SpamExperts and its private labels', () => {
    const found = said(
      'X-Recommended-Action: reject',
      'X-SpamExperts-Class: phish',
      'X-SpamExperts-Evidence: Combined (0.97)',
      'X-Filter-ID: Mvzo4OR0dZXEDF/gcnlw0abc',
    );
    assert.deepEqual(found, {
      category: 'phishing',
      class: 'phish',
      score: 0.97,
      action: 'reject',
      filterId: 'Mvzo4OR0dZXEDF/gcnlw0abc',
      headers: found.headers,
    });
    assert.equal(found.headers.length, 4);
    assert.equal(said('X-AceITSupport-Class: unsure').class, 'unsure');
    assert.equal(said('X-AceITSupport-Class: unsure').category, 'spam');
    assert.equal(said('X-MailAssure-Class: virus').category, 'virus');
    assert.equal(said('X-MailAssure-Evidence: SB/antispamcloud_com (0.0269712609549)').score, 0.0269712609549);
  });

  test('several filters: the gravest category decides', () => {
    assert.equal(said('X-Spam-Flag: YES', 'X-Brand-Class: phish', 'X-Virus: Eicar').category, 'virus');
  });

  test('others are not evidence', () => {
    assert.deepEqual(said('Subject: x', 'X-Mailer: y', 'X-Class: z', 'X-Priority: 1').headers, []);
  });
});

test('evidence is bounded and readable', () => {
  const many = Array.from({ length: 300 }, (_, i) => `X-Spam-${i}: x`);
  assert.equal(said(...many).headers.length, 50);
  const symbols = Array.from({ length: 1000 }, (_, i) => `RULE_${i}`).join(',');
  assert.equal(said(`X-Spam-Status: Yes, score=1 tests=${symbols}`).symbols?.length, 200);
  const [header] = said(`X-Spam-Report: =?utf-8?q?=C3=A4?=\x1b[31m ${'x'.repeat(1e6)}`).headers;
  assert.equal(header?.value.length, 2000);
  assert.ok(header?.value.startsWith('ä[31m xxx'));
});
