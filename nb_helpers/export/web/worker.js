// The page's second thread: it holds the network, takes files and gives answers. `ort` is onnxruntime-web, put before this by nb_page.
'use strict';

async function unpack(text) {                             // gzip in base64 -> bytes
  let bytes;
  if (Uint8Array.fromBase64) bytes = Uint8Array.fromBase64(text);
  else { const s = atob(text); bytes = new Uint8Array(s.length); for (let i = 0; i < s.length; i++) bytes[i] = s.charCodeAt(i); }
  return new Uint8Array(await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'))).arrayBuffer());
}

function unshuffle(bytes) {                         // the first bytes of all numbers, then the second ones, ...: they pack better so
  const n = Math.floor(bytes.length/4), out = new Uint8Array(bytes.length);
  for (let i = 0; i < n; i++) { out[4*i] = bytes[i]; out[4*i+1] = bytes[n+i]; out[4*i+2] = bytes[2*n+i]; out[4*i+3] = bytes[3*n+i]; }
  out.set(bytes.subarray(4*n), 4*n);
  return out;
}

let spec, session;

async function start({parts, spec: given}) {
  spec = given;
  const [runtime, model, jpeg] = await Promise.all([unpack(parts.runtime), unpack(parts.model).then(unshuffle), unpack(parts.jpeg)]);
  TURBO.code = await WebAssembly.compile(jpeg);
  Object.assign(ort.env.wasm, {numThreads: 1, wasmBinary: runtime.buffer, proxy: false});
  session = await ort.InferenceSession.create(model, {executionProviders: ['wasm']});
}

async function answer(file, picture) {                    // of one file; with what the network saw, if asked
  const seen = await prepare(new Uint8Array(await file.arrayBuffer()), spec.prepare), {size} = spec.prepare, channels = spec.channels;
  const out = await session.run({items: new ort.Tensor('uint8', planes(seen, size, channels), [1, channels, size, size])});
  const logits = Array.from(out.outputs.data);
  if (!logits.every(Number.isFinite)) throw new Refused('nan');
  const checks = out.checks ? Array.from(out.checks.data) : [], found = {...decode(logits, spec.task), logits, checks};
  if (!checks.every(Number.isFinite)) throw new Refused('nan');
  const {k} = found;
  Object.assign(found, judge(found, checks, seen.was, spec.answer, spec.task.vocab));
  if (picture) { found.seen = seen.data; found.size = size; if (out.heat) found.heat = heatOf(out.heat, k); }
  return found;
}

function heatOf({data, dims: [, n, h, w]}, k) {         // where the network found what speaks for its answer, 0 to 1
  const cells = h*w, one = new Float32Array(cells), binary = spec.task.task === 'binary';
  for (let i = 0; i < cells; i++)
    if (spec.task.task === 'classes') one[i] = data[k*cells + i];
    else { for (let c = 0; c < n; c++) one[i] += data[c*cells + i]; if (binary && k === 0) one[i] = -one[i]; }
  const most = Math.max(...one, 1e-9);
  return {h, w, cells: one.map(v => Math.max(0, v)/most)};
}

let queue = Promise.resolve();
onmessage = ({data: {id, start: given, file, picture}}) => {
  queue = queue.then(async () => {
    try { postMessage({id, found: given ? await start(given) : await answer(file, picture)}); }
    catch (e) { postMessage({id, refused: e instanceof Refused ? {key: e.key, values: e.values} : {key: 'other', values: {error: `${e.name || ''}: ${e.message || e}`.slice(0, 300)}}}); }
  });
};
