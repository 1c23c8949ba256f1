// The part of mailparser that message-show.ts uses; the package brings no types.
declare module 'mailparser' {
  export interface ParsedMail {
    /** The plain text parts joined. */
    text?: string;
    html?: string | false;
  }

  const mailparser: {
    simpleParser(
      source: Uint8Array,
      options: {
        skipImageLinks?: boolean;
        skipTextToHtml?: boolean;
        skipTextLinks?: boolean;
        skipHtmlToText?: boolean;
      },
    ): Promise<ParsedMail>;
  };
  export default mailparser;
}
