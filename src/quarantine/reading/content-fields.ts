// The Content-* fields of one part or message, read leniently, with the defaults of MIME filled in.
// Called by part-tree when it has found a header; what it returns goes into BODYSTRUCTURE and the part list.

import { type CollectedFields, budgetedFieldText } from './header-fields.ts';
import type { Budget } from './limits.ts';
import { type Parameter, parameterValue, readParameters } from './parameters.ts';
import { StructuredText } from './structured-text.ts';

/** Binary strings, as written in the message. */
export interface ContentFields {
  type: string;
  subtype: string;
  parameters: Parameter[];
  id: string | null;
  description: string | null;
  encoding: string;
  md5: string | null;
  disposition: { type: string; parameters: Parameter[] } | null;
  languages: string[];
  location: string | null;
}

export const CONTENT_FIELDS = [
  'Content-Type',
  'Content-Transfer-Encoding',
  'Content-ID',
  'Content-Description',
  'Content-Disposition',
  'Content-Language',
  'Content-Location',
  'Content-MD5',
];

export type TypeFields = Pick<ContentFields, 'type' | 'subtype' | 'parameters'>;

// RFC 6838 section 4.2 allows 127 characters for a type name; longer ones name nothing.
const MAX_TOKEN = 127;
const MAX_LANGUAGES = 50;
const TOKEN_ENDS = ' \t\r\n;,/()<>@:\\"[]?=';

export interface ContentSource {
  raw: Buffer;
  fields: CollectedFields;
  /** RFC 2046 section 5.1.5: parts of a multipart/digest are messages unless they say otherwise. */
  inDigest: boolean;
}

export function readContentFields({ raw, fields, inDigest }: ContentSource, budget: Budget): ContentFields {
  const text = (name: string): string | null => {
    const field = fields.first(name);
    return field ? budgetedFieldText(raw, field, budget) : null;
  };
  const typeField = text('content-type');
  return {
    ...(typeField === null ? defaultType(inDigest) : readType(typeField, budget)),
    id: text('content-id'),
    description: text('content-description'),
    encoding: readEncoding(text('content-transfer-encoding')),
    md5: text('content-md5'),
    disposition: readDisposition(text('content-disposition'), budget),
    languages: readLanguages(text('content-language')),
    location: text('content-location'),
  };
}

/** RFC 2045 section 5.2: what a part is that does not say what it is. */
export function plainText(): TypeFields {
  return { type: 'text', subtype: 'plain', parameters: [{ name: 'charset', value: 'us-ascii' }] };
}

/** What a part becomes that is not looked into any further; a name for the file may stay. */
export function opaqueType(parameters: Parameter[]): TypeFields {
  return {
    type: 'application',
    subtype: 'octet-stream',
    parameters: parameters.filter((parameter) => /^name\*?$/i.test(parameter.name)),
  };
}

export function lowerCaseType(content: TypeFields): string {
  return `${content.type}/${content.subtype}`.toLowerCase();
}

export function isText(content: TypeFields): boolean {
  return content.type.toLowerCase() === 'text';
}

function defaultType(inDigest: boolean): TypeFields {
  return inDigest ? { type: 'message', subtype: 'rfc822', parameters: [] } : plainText();
}

function readType(text: string, budget: Budget): TypeFields {
  const source = new StructuredText(text);
  const type = token(source);
  source.skipSpaceAndComments();
  const slash = source.char === '/';
  if (slash) source.at++;
  const subtype = token(source);
  // RFC 2045 section 5.2: a Content-Type that can't be read counts as none.
  if (!slash || type === '' || subtype === '') return plainText();
  const parameters = limitedParameters(source, budget);
  // RFC 2045 section 5.2 and RFC 2046 section 4.1.2: the charset of text is us-ascii when none is given. Dovecot and
  // UW say so in BODYSTRUCTURE, and clients are used to it.
  if (type.toLowerCase() === 'text' && !parameters.some(({ name }) => /^charset\*?$/i.test(name))) {
    parameters.push({ name: 'charset', value: 'us-ascii' });
  }
  return { type, subtype, parameters };
}

/** RFC 2045 section 6.1: 7bit is the default; something unreadable says no more than nothing. */
function readEncoding(text: string | null): string {
  if (text === null) return '7bit';
  const source = new StructuredText(text);
  source.skipSpaceAndComments();
  return source.quotedString() === null ? token(source) || '7bit' : token(new StructuredText(text.slice(1))) || '7bit';
}

function readDisposition(text: string | null, budget: Budget): ContentFields['disposition'] {
  if (text === null) return null;
  const source = new StructuredText(text);
  const type = token(source);
  const parameters = limitedParameters(source, budget);
  // RFC 2183 section 2.8: an unknown disposition counts as attachment; so does one that only gives its parameters.
  if (type === '' && parameters.length === 0) return null;
  return { type: type || 'attachment', parameters };
}

function readLanguages(text: string | null): string[] {
  if (text === null) return [];
  const source = new StructuredText(text);
  const languages: string[] = [];
  while (!source.done && languages.length < MAX_LANGUAGES) {
    const language = token(source);
    if (language !== '') languages.push(language);
    source.until(',');
    source.at++;
  }
  return languages;
}

function limitedParameters(source: StructuredText, budget: Budget): Parameter[] {
  const { parameters, complete } = readParameters(source, budget.limits.parameters);
  if (!complete) budget.limited = true;
  return parameters;
}

/** RFC 2045 section 5.1: a token of printable 7-bit characters; `''` when there is none or it is absurdly long. */
function token(source: StructuredText): string {
  source.skipSpaceAndComments();
  const text = source.until(TOKEN_ENDS);
  return text.length <= MAX_TOKEN && /^[\x21-\x7e]+$/.test(text) ? text : '';
}

/** The charset of a text part in lower case, null when it names none. */
export function charsetOf(content: TypeFields): string | null {
  return parameterValue(content.parameters, 'charset')?.toLowerCase() ?? null;
}
