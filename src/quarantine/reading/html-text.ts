// The text of an HTML page, for a preview or a search: no tags, styles, scripts or comments. It is not a sanitizer; what
// it returns is plain text and must be escaped like any other. And where its links lead, which nobody sees and a search must find.
// Linear on any input. Called by preview and decoded-text.

const hidden = ['style', 'script', 'title', 'noscript', 'template'];
const inline = /^\/?(?:a|abbr|b|big|code|em|font|i|ins|mark|s|small|span|strong|sub|sup|tt|u)$/;

// Mail of older programs is full of these names: the entities of 160 to 255 in order (HTML 4, section 24.2).
const latin1 =
  'nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr deg plusmn sup2 sup3 acute micro ' +
  'para middot cedil sup1 ordm raquo frac14 frac12 frac34 iquest Agrave Aacute Acirc Atilde Auml Aring AElig Ccedil ' +
  'Egrave Eacute Ecirc Euml Igrave Iacute Icirc Iuml ETH Ntilde Ograve Oacute Ocirc Otilde Ouml times Oslash Ugrave ' +
  'Uacute Ucirc Uuml Yacute THORN szlig agrave aacute acirc atilde auml aring aelig ccedil egrave eacute ecirc euml ' +
  'igrave iacute icirc iuml eth ntilde ograve oacute ocirc otilde ouml divide oslash ugrave uacute ucirc uuml yacute ' +
  'thorn yuml';
const entities = new Map<string, string>([
  ...latin1.split(' ').map((name, index): [string, string] => [name, String.fromCharCode(160 + index)]),
  ...Object.entries({
    amp: '&',
    lt: '<',
    gt: '>',
    quot: '"',
    apos: "'",
    euro: '€',
    hellip: '…',
    ndash: '–',
    mdash: '—',
    lsquo: '‘',
    rsquo: '’',
    sbquo: '‚',
    ldquo: '“',
    rdquo: '”',
    bdquo: '„',
    lsaquo: '‹',
    rsaquo: '›',
    bull: '•',
    trade: '™',
    zwnj: '',
    zwj: '',
    ensp: ' ',
    emsp: ' ',
    thinsp: ' ',
  }),
]);

/** Text with white space as it comes; words of different blocks are kept apart. */
export function htmlToText(html: string): string {
  // Same length as `html`, so that positions agree.
  const lower = html.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
  const pieces: string[] = [];
  let at = 0;
  while (at < html.length) {
    const open = html.indexOf('<', at);
    pieces.push(html.slice(at, open < 0 ? html.length : open));
    if (open < 0) break;
    const close = endOfTag(lower, open);
    // An unclosed tag or comment hides the rest, as it does in a browser; a search that failed is not done again.
    if (close < 0) break;
    if (close === open + 1) pieces.push('<');
    else if (!inline.test(tagName(lower, open))) pieces.push(' ');
    at = close;
  }
  return decodeEntities(pieces.join(''));
}

// Bounded, so that unclosed quotes cost no more than closed ones.
const target = /\b(?:href|src|action)\s{0,9}=\s{0,9}(?:"([^"]{1,2000})|'([^']{1,2000})|([^\s>"']{1,2000}))/gi;

/** Where the links, pictures and forms of an HTML page lead, a line each. */
export function htmlTargets(html: string): string {
  const found = Array.from(html.matchAll(target), ([, double, single, bare]) => double ?? single ?? bare ?? '');
  return decodeEntities(found.join('\n'));
}

/** Position after the tag, with all of the content of a hidden element; `open` + 1 when it is no tag, -1 when unclosed. */
function endOfTag(lower: string, open: number): number {
  if (lower.startsWith('<!--', open)) return after(lower, '-->', open + 4);
  if (!/[a-z/!?]/.test(lower[open + 1] ?? '')) return open + 1;
  const name = tagName(lower, open);
  if (!hidden.includes(name)) return after(lower, '>', open);
  const closing = lower.indexOf(`</${name}`, open);
  return closing < 0 ? -1 : after(lower, '>', closing);
}

function after(text: string, what: string, from: number): number {
  const found = text.indexOf(what, from);
  return found < 0 ? -1 : found + what.length;
}

function tagName(lower: string, open: number): string {
  return /^\/?[a-z][a-z0-9]*/.exec(lower.slice(open + 1, open + 20))?.[0] ?? '';
}

function decodeEntities(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([a-z][a-z0-9]{1,9}));?/gi, (whole, decimal, hex, name) => {
    if (typeof name === 'string') return entities.get(name) ?? entities.get(name.toLowerCase()) ?? whole;
    const code = typeof decimal === 'string' ? Number(decimal) : parseInt(String(hex), 16);
    return code > 0 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff) ? String.fromCodePoint(code) : ' ';
  });
}
