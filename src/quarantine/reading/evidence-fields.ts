// What single header fields of spam filters mean: SpamAssassin, rspamd, amavis, ClamAV and the X-<Brand>-Class family.
// Knows nothing of trust; it is only given fields that are believed. Called by evidence.

/** What one field says; absent means that it says nothing about it. */
export interface Finding {
  category?: 'spam' | 'phishing' | 'virus' | 'policy';
  class?: string;
  score?: number;
  symbols?: string[];
  action?: string;
  filterId?: string;
}

const MAX_SYMBOLS = 200;
const MAX_WORD = 200;

/** @param name in lower case; @param value decoded */
export function interpret(name: string, value: string): Finding {
  const text = value.trim().replace(/\s+/g, ' ');
  switch (name) {
    case 'x-spam-status':
      return spamStatus(text);
    case 'x-spamd-result':
    case 'x-rspamd-result':
      return rspamdResult(text);
    case 'x-spam-score':
    case 'x-rspamd-score':
      return withScore(text);
    case 'x-rspamd-action':
    case 'x-spam-action':
    case 'x-recommended-action':
      return text === '' ? {} : { action: text.toLowerCase().slice(0, MAX_WORD) };
    case 'x-filter-id':
      return text === '' ? {} : { filterId: text.slice(0, MAX_WORD) };
    case 'x-virus':
    case 'x-virus-status':
    case 'x-spam-virus':
    case 'x-rspamd-virus':
      return isInfected(text) ? { category: 'virus' } : {};
    case 'x-spam-category':
    case 'x-rspamd-category':
    case 'x-spam-type':
    case 'x-quarantine-category':
      return withCategory(text);
    case 'x-amavis-alert':
      return amavisAlert(text);
    default:
      return brandField(name, text);
  }
}

/** X-<Brand>-Class: one word; X-<Brand>-Evidence: what decided, often with a score in parentheses. */
function brandField(name: string, text: string): Finding {
  if (name.endsWith('-class') && text !== '') {
    return { class: text.toLowerCase().slice(0, MAX_WORD), ...withCategory(text) };
  }
  if (name.endsWith('-evidence')) {
    const score = /\((-?\d{1,6}(?:\.\d{1,15})?)\)/.exec(text)?.[1];
    return score === undefined ? {} : { score: Number(score) };
  }
  return {};
}

/** SpamAssassin: `Yes, score=12.3 required=5.0 tests=A,B autolearn=no`; amavis: `tests=[A=1.2, B=0.1]`; once `hits=`. */
function spamStatus(text: string): Finding {
  const score = /\b(?:score|hits)=(-?\d{1,6}(?:\.\d{1,6})?)/.exec(text)?.[1];
  // Folding puts spaces into the list; the next `key=` ends it.
  const tests = /\btests=\[([^\]]*)/.exec(text)?.[1] ?? /\btests=(.*?)(?=\s[a-z_]+=|$)/.exec(text)?.[1] ?? '';
  const symbols = bounded(tests.split(/[\s,]+/).map((test) => test.split('=')[0] ?? ''));
  return { ...(score === undefined ? {} : { score: Number(score) }), ...fromSymbols(symbols) };
}

/** rspamd: `default: True [15.20 / 15.00]; BAYES_SPAM(5.10)[99.98%]; CLAM_VIRUS(0.00)[Eicar]; …`. */
function rspamdResult(text: string): Finding {
  const score = /\[(-?\d{1,6}(?:\.\d{1,6})?) ?\/ ?-?\d/.exec(text)?.[1];
  const names = text.split(';').map((piece) => /^\s*([A-Za-z]\w*)\(/.exec(piece)?.[1] ?? '');
  return { ...(score === undefined ? {} : { score: Number(score) }), ...fromSymbols(bounded(names)) };
}

function bounded(names: readonly string[]): string[] {
  return names.filter((name) => /^[\w.-]{1,100}$/.test(name) && name.toLowerCase() !== 'none').slice(0, MAX_SYMBOLS);
}

/** The names that rspamd gives to what its virus scanners and its phishing lists found. */
function fromSymbols(symbols: string[]): Finding {
  if (symbols.length === 0) return {};
  if (symbols.some((symbol) => /_VIRUS$/.test(symbol))) return { symbols, category: 'virus' };
  if (symbols.some((symbol) => /^PHISHED_/.test(symbol))) return { symbols, category: 'phishing' };
  return { symbols };
}

/** amavis: `INFECTED, message contains virus: …`, `BANNED, message contains …`, `BAD HEADER …`. */
function amavisAlert(text: string): Finding {
  if (/\binfected\b|\bvirus\b/i.test(text)) return { category: 'virus' };
  return /\bbanned\b|\bbad header\b/i.test(text) ? { category: 'policy' } : {};
}

/** A scanner's status or the name of the virus; several words for "nothing found" are in use. */
function isInfected(text: string): boolean {
  return text !== '' && !/^(?:clean|no|none|not|ok|false|passed|negative|unknown|error|skipped|0)\b/i.test(text);
}

function withScore(text: string): Finding {
  const score = /^-?\d{1,9}(?:\.\d{1,6})?/.exec(text)?.[0];
  return score === undefined ? {} : { score: Number(score) };
}

function withCategory(text: string): Finding {
  if (/virus|malware|infected|ransom/i.test(text)) return { category: 'virus' };
  if (/phish/i.test(text)) return { category: 'phishing' };
  if (/policy|banned|attachment|blocked|oversized|bad.?header/i.test(text)) return { category: 'policy' };
  return /spam/i.test(text) ? { category: 'spam' } : {};
}
