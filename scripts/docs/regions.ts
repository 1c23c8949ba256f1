// Replaces the marked regions of a Markdown text; everything else stays as it is. Called by generate.ts.
import { format } from 'prettier';

/** Regions whose marks are missing, doubled or crossed are reported and left alone. */
export async function withRegions(
  text: string,
  regions: Record<string, string>,
): Promise<{ text: string; problems: string[] }> {
  const problems: string[] = [];
  let result = text;
  for (const [name, content] of Object.entries(regions)) {
    const [begin, end] = [`<!-- generated:${name} -->`, `<!-- /generated:${name} -->`];
    const [from, to] = [result.indexOf(begin), result.indexOf(end)];
    if (from < 0 || to < from || from !== result.lastIndexOf(begin) || to !== result.lastIndexOf(end)) {
      problems.push(`README.md needs ${begin} and, below it, ${end}, each once.`);
      continue;
    }
    // As the formatter would leave it, so that the two checks never disagree.
    const formatted = await format(content, { parser: 'markdown' });
    result = `${result.slice(0, from)}${begin}\n\n${formatted}\n${result.slice(to)}`;
  }
  return { text: result, problems };
}
