// The dashboard and the alerts ask for figures by name: each of them has to be one that a running server tells, with those labels.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { parse } from 'yaml';
import { counters, durations, levels } from '../../src/quarantine/meter.ts';
import type { Measured } from '../../src/quarantine/meter.ts';
import { lookedUp } from '../../src/web/gauges.ts';
import { buildInfo } from '../../src/web/metrics.ts';
import { startTestServer } from '../helpers/server.ts';
import { namesIn } from '../web/exposition.ts';

const deploy = join(import.meta.dirname, '..', '..', 'scripts', 'deploy');

interface Panel {
  id: number;
  type: string;
  title: string;
  gridPos: { x: number; y: number; w: number; h: number };
  targets?: { expr: string }[];
}

interface Dashboard {
  panels: Panel[];
  templating: { list: { name: string; definition?: string }[] };
}

let told: string[];
let panels: Panel[];
/** Everything that asks Prometheus for something, by where it stands. */
const queries: [where: string, query: string][] = [];

before(async () => {
  await using server = await startTestServer();
  const { port } = server.server.listening.find(({ name }) => name === 'HTTP') ?? assert.fail('no HTTP');
  const answer = await fetch(`http://127.0.0.1:${port}/metrics`, { headers: { connection: 'close' } });
  told = namesIn(await answer.text());

  const dashboard = JSON.parse(await readFile(join(deploy, 'grafana-dashboard.json'), 'utf8')) as Dashboard;
  ({ panels } = dashboard);
  for (const { title, targets = [] } of panels) for (const { expr } of targets) queries.push([title, expr]);
  for (const { name, definition } of dashboard.templating.list) if (definition) queries.push([name, definition]);
  const alerts = parse(await readFile(join(deploy, 'prometheus-alerts.yaml'), 'utf8')) as {
    groups: { rules: { alert: string; expr: string }[] }[];
  };
  for (const { rules } of alerts.groups) for (const { alert, expr } of rules) queries.push([alert, expr]);
});

describe('the dashboard and the alerts', () => {
  test('ask for nothing that the program does not tell', () => {
    assert.ok(queries.length > 25);
    for (const [where, query] of queries) {
      const names = query.match(/\b(lazaretto|nodejs|process)_\w+/g) ?? [];
      assert.ok(names.length, `${where} asks for no figure: ${query}`);
      for (const name of names) assert.ok(told.includes(name), `${where} asks for ${name}`);
    }
  });

  test('group and choose by labels that the figures have', () => {
    const all: Measured[] = Object.values({ ...counters, ...durations, ...levels, ...lookedUp, buildInfo });
    for (const [where, query] of queries) {
      const asked = all.filter(({ name }) => query.includes(name));
      const known = ['job', 'instance', 'le', ...asked.flatMap(({ labels }) => labels)];
      const grouped = [...query.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, list = '']) => list.split(/, */));
      const chosen = [...query.matchAll(/(\w+) ?(?:=~|!=|!~|=)"/g)].map(([, label = '']) => label);
      for (const label of [...grouped, ...chosen]) assert.ok(known.includes(label), `${where} uses ${label}: ${query}`);
    }
  });

  test('show everything that the program counts', () => {
    const text = queries.map(([, query]) => query).join('\n');
    for (const { name } of Object.values({ ...counters, ...durations, ...levels, ...lookedUp, buildInfo }))
      assert.ok(text.includes(name), `${name} is shown nowhere`);
  });

  test('have panels that lie beside each other and not on top', () => {
    assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length);
    const taken = new Set<string>();
    for (const { title, gridPos } of panels) {
      assert.ok(gridPos.x + gridPos.w <= 24, title);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          assert.ok(!taken.has(`${x} ${y}`), `${title} lies on another panel`);
          taken.add(`${x} ${y}`);
        }
      }
    }
  });
});
