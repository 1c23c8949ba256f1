// The lexical pieces that address lists and MIME parameters share: comments, quoted strings, white space.
// Every character is looked at a bounded number of times however broken the text is. Called by addresses and parameters.

/** A position in an unfolded header value. Methods that read a piece move past it. */
export class StructuredText {
  readonly text: string;
  at = 0;
  // Once a comment or a quoted string has no end, its opening character is an ordinary one from there on. Looking for
  // the end again at every further "(" would make a line of them quadratic.
  #commentsEnd = true;
  #quotesEnd = true;

  constructor(text: string) {
    this.text = text;
  }

  get done(): boolean {
    return this.at >= this.text.length;
  }

  get char(): string {
    return this.text[this.at] ?? '';
  }

  /** Moves past the character when it stands here. */
  take(char: string): boolean {
    const found = this.text[this.at] === char;
    if (found) this.at++;
    return found;
  }

  /** Moves past spaces, tabs and line ends; true when there were any. */
  skipSpace(): boolean {
    const start = this.at;
    while (isSpace(this.text[this.at])) this.at++;
    return this.at > start;
  }

  /** Moves past white space and comments; the last comment is returned. */
  skipSpaceAndComments(): string | null {
    let last: string | null = null;
    for (;;) {
      this.skipSpace();
      const comment = this.comment();
      if (comment === null) return last;
      last = comment;
    }
  }

  /** RFC 5322 section 3.2.2: a comment, which may hold comments; its text, or null when there is none here. */
  comment(): string | null {
    if (this.char !== '(' || !this.#commentsEnd) return null;
    let level = 0;
    for (let at = this.at; at < this.text.length; at++) {
      const char = this.text[at];
      if (char === '\\') at++;
      else if (char === '(') level++;
      else if (char === ')' && --level === 0) {
        const comment = unescape(this.text.slice(this.at + 1, at));
        this.at = at + 1;
        return comment;
      }
    }
    this.#commentsEnd = false;
    return null;
  }

  /** RFC 5322 section 3.2.4: the content of a quoted string, or null when there is none here. */
  quotedString(): string | null {
    if (this.char !== '"' || !this.#quotesEnd) return null;
    for (let at = this.at + 1; at < this.text.length; at++) {
      const char = this.text[at];
      if (char === '\\') at++;
      else if (char === '"') {
        const content = unescape(this.text.slice(this.at + 1, at));
        this.at = at + 1;
        return content;
      }
    }
    this.#quotesEnd = false;
    return null;
  }

  /** Everything up to one of the given characters, which stays. */
  until(stops: string): string {
    const start = this.at;
    while (!this.done && !stops.includes(this.char)) this.at++;
    return this.text.slice(start, this.at);
  }
}

function isSpace(char: string | undefined): boolean {
  return char === ' ' || char === '\t' || char === '\r' || char === '\n';
}

function unescape(text: string): string {
  return text.includes('\\') ? text.replace(/\\([\s\S])/g, '$1') : text;
}
