// Text that becomes a part of a page or of an XML document. Called by whoever writes HTML (help-notice.ts) or XML (src/web).

/** Safe between tags and inside quoted attributes of HTML and XML. What XML 1.0 cannot carry at all has to be kept out before. */
export function escapeMarkup(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
