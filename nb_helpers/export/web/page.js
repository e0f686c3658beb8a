// What is on the screen: files in, rows out. All text goes in as text; nothing from a file, a name or the spec is ever taken for markup.
'use strict';
(() => {
const $ = id => document.getElementById(id), text = id => $(id).textContent;
const words = JSON.parse(text('words')), spec = JSON.parse(text('spec'));
const say = (key, values = {}) => (words[key] ?? key).replace(/\{(\w+)\}/g, (_, k) => values[k] ?? '');
const el = (tag, props = {}, ...inside) => { const e = Object.assign(document.createElement(tag), props); e.append(...inside); return e; };
for (const e of document.querySelectorAll('[data-word]')) e.textContent = say(e.dataset.word);
const status = (message, bad) => { $('status').textContent = message; $('status').classList.toggle('bad', Boolean(bad)); };
const percent = p => say('confidence', {percent: (100*p).toFixed(p > .9995 || p < .0005 ? 0 : 1)});

// ---- the worker

const waiting = new Map();
let count = 0, worker;
const ask = message => new Promise((yes, no) => { waiting.set(++count, [yes, no]); worker.postMessage({id: count, ...message}); });

async function begin() {
  status(say('loading'));
  const at = performance.now(), url = URL.createObjectURL(new Blob([text('worker')], {type: 'text/javascript'}));
  worker = new Worker(url);
  const died = new Promise((_, no) => { worker.onerror = e => no({key: 'other', values: {error: e.message || 'worker'}}); });
  worker.onmessage = ({data: {id, found, refused}}) => { const [yes, no] = waiting.get(id); waiting.delete(id); refused ? no(refused) : yes(found); };
  const parts = Object.fromEntries(['runtime', 'model', 'jpeg'].map(k => [k, text(k)]));
  await Promise.race([ask({start: {parts, spec}}), died]);
  URL.revokeObjectURL(url);
  for (const k of ['runtime', 'model', 'jpeg', 'worker']) $(k).remove();
  document.documentElement.dataset.ready = Math.round(performance.now() - at);
  status(say('ready'));
}
const started = begin();
started.catch(e => status(say('failed', {error: e.values?.error ?? e.message ?? e.key}), true));

// ---- files

async function within(entry, path = '') {                 // the files of a dropped folder, in order
  if (entry.isFile) return [await new Promise((yes, no) => entry.file(f => { f.shown = path + f.name; yes(f); }, no))];
  const reader = entry.createReader(), all = [];
  for (;;) { const some = await new Promise((yes, no) => reader.readEntries(yes, no)); if (!some.length) break; all.push(...some); }
  all.sort((a, b) => a.name < b.name ? -1 : 1);
  const out = [];
  for (const e of all) out.push(...await within(e, `${path}${entry.name}/`));
  return out;
}

const hidden = name => /(^|\/)(\.|__MACOSX\/|Thumbs\.db$|desktop\.ini$)/i.test(name);
const nameOf = f => f.shown || f.webkitRelativePath || f.name;

let queue = [], rows = [], running = false, stopped = false;

async function take(files) {
  files = [...files].filter(f => !hidden(nameOf(f)));
  if (!files.length) return;
  queue.push(...files);
  $('results').hidden = false;
  if (!running) await work();
}

async function work() {
  running = true; stopped = false;
  $('stop').hidden = $('bar').hidden = false;
  let done = 0, all = queue.length;
  try {
    await started;
    while (queue.length && !stopped) {
      all = done + queue.length;
      if (all > 1) status(say('progress', {done, all}));
      $('bar').max = all; $('bar').value = done;
      await one(queue.shift(), all === 1);
      done++;
    }
    const refused = rows.filter(r => r.refused).length, last = rows[rows.length-1];
    status(rows.length === 1 ? last.refused ? say('one_refused', {file: last.file, reason: last.reason}) : say('one_done', {file: last.file, label: headline(last.found)})
           : say('done', {all: rows.length, answered: rows.length - refused, refused}));
  } catch (e) { status(say('failed', {error: e.values?.error ?? e.message ?? e.key}), true); }
  queue = []; running = false;
  $('stop').hidden = $('bar').hidden = true;
}

async function one(file, open) {
  const row = {file: nameOf(file)};
  try { row.found = await ask({file, picture: true}); }
  catch (e) { row.refused = e; row.reason = say(e.key, e.values); }
  rows.push(row);
  const li = el('li'), d = el('details'), s = el('summary'), thumb = el('canvas', {className: 'thumb', width: 56, height: 56});
  thumb.setAttribute('aria-hidden', 'true');
  const lines = el('div', {}, el('div', {className: 'label', textContent: row.refused ? say('no_answer') : headline(row.found)}), el('div', {className: 'name', textContent: row.file}));
  s.append(thumb, lines);
  if (row.refused) { lines.append(el('div', {className: 'bad', textContent: row.reason})); li.append(el('div', {className: 'line'}, thumb, lines)); }
  else {
    s.append(el('span', {className: 'sure', textContent: sure(row.found)}));
    if (reasonOf(row)) lines.append(el('div', {className: 'bad', textContent: reasonOf(row)}));
    picture(thumb, row.found);
    d.append(s); li.append(d);
    d.addEventListener('toggle', () => { if (d.open && !d.querySelector('.more')) unfold(d, row, file); });
    if (open) d.open = true;
    delete row.found.seen;                                // a photo's pixels are made again when somebody looks
  }
  $('list').append(li);
}

// ---- an answer

const vocab = spec.task.vocab.map(String), ordered = spec.ordered, regression = spec.task.task === 'regression';
const headline = f => ['not mine', 'retake'].includes(f.answer) ? say(f.answer)
  : f.answer === 'unsure' ? `${say('unsure')} (${vocab[f.k]}?)` : f.answer === 'two or three' ? f.set.map(k => vocab[k]).join(say('or')) : f.k >= 0 ? vocab[f.k] : String(+f.score.toPrecision(6));
const reasonOf = r => r.refused ? r.reason : (r.found.reasons || []).map(w => say(...[].concat(w))).join('; ');
const graded = ordered && spec.task.task !== 'binary' && !regression;
const sure = f => regression || f.k < 0 ? '' : graded ? say('likeliest', {label: vocab[f.probs.indexOf(Math.max(...f.probs))]}) : percent(f.probs[f.k]);

function picture(canvas, {seen, size}) {
  const rgba = new Uint8ClampedArray(4*size*size);
  for (let i = 0, o = 0; o < rgba.length; i += 3) { rgba[o++] = seen[i]; rgba[o++] = seen[i+1]; rgba[o++] = seen[i+2]; rgba[o++] = 255; }
  const full = new OffscreenCanvas(size, size);
  full.getContext('2d').putImageData(new ImageData(rgba, size, size), 0, 0);
  const ctx = canvas.getContext('2d');
  ctx.imageSmoothingQuality = 'high';
  ctx.drawImage(full, 0, 0, canvas.width, canvas.height);
}

async function unfold(details, row, file) {
  const f = row.found, more = el('div', {className: 'more'}), figure = el('figure'), stack = el('div', {className: 'stack'}), side = el('div');
  details.append(more); more.append(figure, side);
  if (f.set && f.set.length > 1) side.append(el('p', {textContent: `${say('set')}: ${f.set.map(k => vocab[k]).join(', ')}`}));
  if (ordered) side.append(el('p', {className: 'soft', textContent: say('score', {value: +f.score.toPrecision(4)})}));
  if (f.probs.length) side.append(bars(f));
  const {seen, size, heat} = await ask({file, picture: true}), base = el('canvas', {width: size, height: size});
  base.setAttribute('role', 'img'); base.setAttribute('aria-label', say('seen', {size}));
  picture(base, {seen, size}); stack.append(base); figure.append(stack, el('figcaption', {textContent: say('seen', {size})}));
  if (heat) {
    const layer = el('canvas', {width: size, height: size, hidden: true}), box = el('input', {type: 'checkbox'}), note = el('figcaption', {textContent: say('heat_is'), hidden: true});
    layer.setAttribute('aria-hidden', 'true');
    glow(layer, heat); stack.append(layer);
    box.addEventListener('change', () => { layer.hidden = note.hidden = !box.checked; });
    figure.append(el('label', {className: 'check'}, box, say('heat')), note);
  }
}

function glow(canvas, {h, w, cells}) {                    // black to yellow over the picture, smooth between the network's cells
  const small = new OffscreenCanvas(w, h), data = new ImageData(w, h);
  cells.forEach((v, i) => data.data.set([255, Math.round(255*v), 0, Math.round(200*v)], 4*i));
  small.getContext('2d').putImageData(data, 0, 0);
  const ctx = canvas.getContext('2d');
  ctx.imageSmoothingQuality = 'high';
  ctx.drawImage(small, 0, 0, canvas.width, canvas.height);
}

function bars(f) {
  const shown = 6, order = f.probs.map((_, i) => i);
  if (!ordered) order.sort((a, b) => f.probs[b] - f.probs[a]);
  const dl = list => el('dl', {className: 'bars'}, ...list.flatMap(i => {
    const inner = el('div'); inner.style.width = `${100*f.probs[i]}%`;
    const track = el('dd', {}, el('div', {className: 'track'}, inner)); track.setAttribute('aria-hidden', 'true');
    return [el('dt', {className: i === f.k ? 'top' : '', textContent: vocab[i]}), track, el('dd', {className: 'sure', textContent: percent(f.probs[i])})];
  }));
  const out = el('div', {}, el('h3', {className: 'soft', textContent: say('probabilities')}), dl(ordered ? order : order.slice(0, shown)));
  if (!ordered && order.length > shown) out.append(el('details', {}, el('summary', {textContent: say('more', {n: order.length - shown})}), dl(order.slice(shown))));
  return out;
}

// ---- the table, as nb_predict writes it

const fixed = v => Number.isFinite(v) ? v.toFixed(6) : '';
const formula = /^('*\s*[=+\-@＝＋－＠]|'*[\t\r\n])/, number = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;
const safe = v => { v = v.replace(/\r\n?/g, '\n').replace(/[\x00-\x08\x0b\x0c\x0e-\x1f]/g, ''); return formula.test(v) && !number.test(v.trim()) ? `'${v}` : v; };   // a spreadsheet would run it
const cell = v => { v = safe(String(v)); return /[",\n\r]/.test(v) ? `"${v.replace(/"/g, '""')}"` : v; };

function csv() {
  const line = r => {
    const f = r.found, k = f ? f.k : -1, sureOf = () => graded ? cell(vocab[f.probs.indexOf(Math.max(...f.probs))]) : fixed(f.probs[k]);
    return [cell(r.file), k < 0 ? '' : cell(vocab[k]), ...(regression ? [] : [k < 0 ? '' : sureOf()]),
            ...(spec.answer ? [f ? f.answer : '', f ? cell(f.set.map(i => vocab[i]).join(' | ')) : ''] : []), cell(reasonOf(r)),
            ...(ordered ? [f ? fixed(f.score) : ''] : []), ...(regression ? [] : vocab.map((_, i) => f ? fixed(f.probs[i]) : ''))].join(',');
  };
  return [spec.columns.map(cell).join(','), ...rows.map(line)].join('\n') + '\n';
}

function save() {
  const url = URL.createObjectURL(new Blob([csv()], {type: 'text/csv;charset=utf-8'})), a = el('a', {href: url, download: 'predictions.csv'});
  a.click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

// ---- the model's card

for (const [key, value] of spec.card) {
  const dd = el('dd');
  for (const line of [].concat(value)) dd.append(el('div', {textContent: Array.isArray(line) || typeof line !== 'object' ? String(line) : say(line.word, line)}));
  $('facts').append(el('dt', {textContent: say(key)}), dd);
}

// ---- hands

for (const id of ['files', 'folder', 'camera']) $(id).addEventListener('change', e => { const files = [...e.target.files].map(f => f); e.target.value = ''; take(files); });
$('save').addEventListener('click', save);
$('stop').addEventListener('click', () => { stopped = true; });
$('clear').addEventListener('click', () => { stopped = true; queue = []; rows = []; $('list').replaceChildren(); $('results').hidden = true; status(say('ready')); $('files').focus(); });
let depth = 0;
addEventListener('dragenter', e => { e.preventDefault(); depth++; $('drop').classList.add('over'); });
addEventListener('dragleave', () => { if (!--depth) $('drop').classList.remove('over'); });
addEventListener('dragover', e => e.preventDefault());
addEventListener('drop', async e => {
  e.preventDefault(); depth = 0; $('drop').classList.remove('over');
  const entries = [...e.dataTransfer.items].map(i => i.webkitGetAsEntry?.()).filter(Boolean), plain = [...e.dataTransfer.files];
  if (!entries.length) return take(plain);
  const files = [];
  for (const entry of entries) files.push(...await within(entry));
  take(files);
});
addEventListener('paste', e => take(e.clipboardData?.files || []));
if (location.protocol.startsWith('http') && isSecureContext) navigator.serviceWorker?.register('sw.js').catch(() => 0);   // on a server: to open without a network
window.nbPage = {take, csv, rows: () => rows, started, look: file => ask({file, picture: true})};   // for tests, and for whoever builds on it
})();
