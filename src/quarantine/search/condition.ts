// What a search asks of a message, in the words of the mailbox and not of a protocol. A tree of plain data, so that it can be handed to a
// storage and to its threads. match.ts says exactly which messages it is true of.

export type Condition =
  | { readonly kind: 'all' | 'none' }
  | { readonly kind: 'and' | 'or'; readonly parts: readonly Condition[] }
  | { readonly kind: 'not'; readonly part: Condition }
  | ListedCondition
  | ReadCondition;

/** Asks for what the list of a mailbox tells. */
export type ListedCondition =
  /** A client's flag or keyword as it is stored, or one of our marks. */
  | { readonly kind: 'flag'; readonly flag: string }
  /** Both ends belong to a range; ascending and without overlaps. */
  | { readonly kind: 'uid'; readonly ranges: readonly { readonly from: number; readonly to: number }[] }
  /** INTERNALDATE in milliseconds since 1970: not before `from`, and before `before`. */
  | { readonly kind: 'internalDate'; readonly from: number; readonly before: number }
  | { readonly kind: 'size'; readonly is: 'larger' | 'smaller'; readonly bytes: number };

/** Asks for what stands in the message. Texts are as people write them; how they are compared: folded-text.ts. */
export type ReadCondition =
  /** The day that the Date field names, in its own time zone, counted from 1970-01-01: not before `from`, and before `before`. */
  | { readonly kind: 'sentDay'; readonly from: number; readonly before: number }
  /** `field` in lower case. An empty text asks whether the field is there. */
  | { readonly kind: 'header'; readonly field: string; readonly text: string }
  /** `body`: the readable text of the message; `text`: that, or its header. */
  | { readonly kind: 'body' | 'text'; readonly text: string };
