// Which indexes MongoDB's planner can take for a query, by its documented rules alone: so far as a store can be looked at without a MongoDB.
// An index serves a query that has a condition on (or a sort by) the first field of its key; a partial one only if the query implies its
// condition. Knows what the driver's queries are made of, and takes nothing for granted about the rest. Called by plans.test.ts.
import type { Document } from 'mongodb';

export interface PaperIndex {
  name: string;
  key: Record<string, 1 | -1>;
  only?: Record<string, unknown>;
}

export interface PaperQuery {
  filter: Document;
  sort?: Document | undefined;
  /** Fields that are answered; undefined: all of them. */
  fields?: readonly string[] | undefined;
}

export interface PaperPlan {
  index: PaperIndex;
  /** The index has the order that is asked for (or none is). */
  isSorted: boolean;
  /** No document is looked at. */
  isCovered: boolean;
}

/** Plans for the query, or for each branch of its `$or`; none: every document has to be looked at. */
export function paperPlans(query: PaperQuery, indexes: readonly PaperIndex[]): PaperPlan[] {
  const { conditions, branches } = conditionsOf(query.filter);
  const plans = indexes.flatMap((index) => planWith(index, query, conditions, branches.length === 0));
  if (plans.length || !branches.length) return plans;
  const ofBranches = branches.map((branch) =>
    paperPlans({ ...query, filter: { $and: [withoutOr(query.filter), branch] } }, indexes),
  );
  return ofBranches.every((each) => each.length) ? ofBranches.flat() : [];
}

type Conditions = Map<string, Document>;

/** What holds for every document that is found, by field; and the branches of an `$or`, one of which holds. */
function conditionsOf(filter: Document): { conditions: Conditions; branches: Document[] } {
  const conditions: Conditions = new Map();
  const branches: Document[] = [];
  const all: Document[] = [filter];
  for (const part of all) {
    for (const [field, condition] of Object.entries(part) as [string, unknown][]) {
      if (field === '$and') all.push(...(condition as Document[]));
      else if (field === '$or') branches.push(...(condition as Document[]));
      else conditions.set(field, { ...conditions.get(field), ...operators(condition) });
    }
  }
  return { conditions, branches };
}

function operators(condition: unknown): Document {
  const isOperators =
    typeof condition === 'object' && condition !== null && Object.keys(condition)[0]?.startsWith('$') === true;
  return isOperators ? condition : { $eq: condition };
}

function withoutOr({ $or: _or, $and: and, ...rest }: Document): Document {
  return and ? { ...rest, $and: (and as Document[]).map(withoutOr) } : rest;
}

function planWith(index: PaperIndex, query: PaperQuery, conditions: Conditions, hasAll: boolean): PaperPlan[] {
  const keys = Object.keys(index.key);
  const [first = ''] = keys;
  const isSorted = sorts(index, query.sort, conditions);
  if (!isBounded(conditions.get(first)) && !(query.sort && isSorted)) return [];
  for (const [field, condition] of Object.entries(index.only ?? {}))
    if (!implies(conditions.get(field), operators(condition))) return [];
  const needed = query.fields && [...query.fields, ...conditions.keys(), ...Object.keys(query.sort ?? {})];
  const isCovered = hasAll && (needed?.every((field) => keys.includes(field)) ?? false);
  return [{ index, isSorted, isCovered }];
}

/** A condition that is a part of the index: `$exists`, `$ne`, `$nin` and the like are not, or hardly. */
function isBounded(condition: Document | undefined): boolean {
  return Object.keys(condition ?? {}).some((name) => ['$eq', '$in', '$gt', '$gte', '$lt', '$lte'].includes(name));
}

/** Whether everything that meets `given` meets `asked`: one comparison, as partial indexes here have. */
function implies(given: Document | undefined, asked: Document): boolean {
  if (!given) return false;
  const [[operator, bound] = []] = Object.entries(asked) as [string, number | string | boolean][];
  const values = ('$eq' in given ? [given.$eq] : '$in' in given ? given.$in : []) as unknown[];
  const meets = (value: unknown): boolean => {
    if (typeof value !== typeof bound || bound === undefined) return false;
    if (operator === '$eq') return value === bound;
    return operator === '$gte' ? (value as number) >= (bound as number) : (value as number) > (bound as number);
  };
  if (values.length) return values.every(meets);
  const above = given.$gt as number | undefined;
  const from = given.$gte as number | undefined;
  if (typeof above === typeof bound && above! >= (bound as number)) return operator === '$gte' || operator === '$gt';
  return operator === '$gte' && typeof from === typeof bound && from! >= (bound as number);
}

/** Fields with one value only may stand before those that are sorted by; all in their direction, or all against it. */
function sorts({ key }: PaperIndex, sort: Document | undefined, conditions: Conditions): boolean {
  const wanted = Object.entries(sort ?? {}) as [string, 1 | -1][];
  const isOne = (field: string): boolean => {
    const condition = conditions.get(field);
    return condition !== undefined && ('$eq' in condition || '$in' in condition);
  };
  const have = Object.entries(key);
  let direction = 0;
  while (wanted.length) {
    const [field, order] = wanted[0]!;
    const next = have.shift();
    if (!next) return false;
    if (next[0] === field) {
      direction ||= next[1] * order;
      if (next[1] * order !== direction) return false;
      wanted.shift();
    } else if (!isOne(next[0])) return false;
  }
  return true;
}
