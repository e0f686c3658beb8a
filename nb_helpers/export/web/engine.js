// From the bytes of a file to its answer, as nb_helpers.export.Predictor gives it: decoding, turning, resizing, network, classes.
// Runs in a worker of the page, and in node for the tests. Every rule here is a rule of nb_helpers.dataset.images or decode.
'use strict';

class Refused extends Error {                        // why a file gets no answer: a key of words.json and what fills it in
  constructor(key, values = {}) { super(key); this.key = key; this.values = values; }
}

// ---- numbers as Python has them

const pyRound = x => { const r = Math.round(x); return Math.abs(x % 1) === .5 && r % 2 ? r - 1 : r; };   // halves to the even number
const ascii = (b, from, n) => String.fromCharCode(...b.subarray(from, from + n));
const u16 = (b, at, little) => little ? b[at] | b[at+1] << 8 : b[at] << 8 | b[at+1];
const u32 = (b, at, little) => little ? u16(b, at, 1) + u16(b, at+2, 1)*65536 : u16(b, at)*65536 + u16(b, at+2);
const find = (b, text, from = 0) => {
  for (let i = from; i <= b.length - text.length; i++) {
    let j = 0;
    while (j < text.length && b[i+j] === text.charCodeAt(j)) j++;
    if (j === text.length) return i;
  }
  return -1;
};

// ---- how the camera was held: EXIF's number, else that of XMP; 1 where there is none or it is damaged

function exifOrientation(b) {
  if (!b) return null;
  while (ascii(b, 0, 6) === 'Exif\0\0') b = b.subarray(6);
  const little = b[0] === 0x49;
  if (b.length < 8 || !['II*\0', 'MM\0*'].includes(ascii(b, 0, 4))) return null;
  const at = u32(b, 4, little);
  let found = null;
  for (let i = 0, n = u16(b, at, little); i < n && at + 14 + 12*i <= b.length; i++) {
    const e = at + 2 + 12*i, type = u16(b, e+2, little), count = u32(b, e+4, little);
    if (u16(b, e, little) !== 0x0112) continue;
    found = count !== 1 ? 1 : type === 3 ? u16(b, e+8, little) : type === 4 || type === 9 ? u32(b, e+8, little) : 1;
  }
  return found;
}

function orientation(exif, xmp) {
  const own = exifOrientation(exif);
  if (own !== null) return own;
  const m = xmp && /tiff:Orientation(="|>)([0-9])/.exec(new TextDecoder('latin1').decode(xmp));
  return m ? +m[2] : 1;
}

// picture {data, width, height, box} of RGB bytes, turned upright; box: what of it is picture, null for all
function upright(pic, turn) {
  if (!(turn >= 2 && turn <= 8)) return pic;
  const {data, width: w, height: h, box, full} = pic, swap = turn > 4, W = swap ? h : w, H = swap ? w : h, out = new Uint8Array(data.length);
  const from = {2: (x, y) => [w-1-x, y], 3: (x, y) => [w-1-x, h-1-y], 4: (x, y) => [x, h-1-y], 5: (x, y) => [y, x],
                6: (x, y) => [y, h-1-x], 7: (x, y) => [w-1-y, h-1-x], 8: (x, y) => [w-1-y, x]}[turn];
  const [x0, y0] = from(0, 0), [x1, y1] = from(1, 0), stepX = 3*((y1 - y0)*w + x1 - x0), [x2, y2] = from(0, 1), stepY = 3*((y2 - y0)*w + x2 - x0);
  for (let y = 0, o = 0; y < H; y++)
    for (let x = 0, i = 3*(y0*w + x0) + y*stepY; x < W; x++, i += stepX) { out[o++] = data[i]; out[o++] = data[i+1]; out[o++] = data[i+2]; }
  if (!box) return {data: out, width: W, height: H, box: null, full};
  const [l, t, r, b] = box;
  return {data: out, width: W, height: H, full, box: {2: [w-r, t, w-l, b], 3: [w-r, h-b, w-l, h-t], 4: [l, h-b, r, h-t], 5: [t, l, b, r],
          6: [h-b, l, h-t, r], 7: [h-b, w-r, h-t, w-l], 8: [t, w-r, b, w-l]}[turn]};
}

// ---- JPEG, by libjpeg-turbo itself: browsers differ in how they smooth colour and in what they make of damaged data

const MOST_MEMORY = 2**30, MOST_PIXELS = 2*89478485;      // as in nb_helpers.dataset.images, and Pillow's limit

function jpegMarkers(b) {                                 // what stands before the pixels
  const out = {exif: null, xmp: null, layers: 0, bits: 0, progressive: false};
  let at = 2;
  for (;;) {
    while (at < b.length && b[at] !== 0xFF) at++;
    while (b[at] === 0xFF) at++;
    const marker = b[at++];
    if (marker === undefined) throw new Refused('not_an_image');
    if (marker === 0 || (marker >= 0xD0 && marker <= 0xD9)) continue;
    if (marker < 0xC0) throw new Refused('not_an_image');
    const n = u16(b, at), s = b.subarray(at + 2, at + n);
    if (at + n > b.length) throw new Refused('cut_off', {error: 'Truncated File Read'});
    if (marker === 0xE1 && ascii(s, 0, 6) === 'Exif\0\0') {
      if (!out.exif) out.exif = s;
      else { const both = new Uint8Array(out.exif.length + s.length - 6); both.set(out.exif); both.set(s.subarray(6), out.exif.length); out.exif = both; }
    } else if (marker === 0xE1 && ascii(s, 0, 29) === 'http://ns.adobe.com/xap/1.0/\0') out.xmp = s.subarray(29);
    else if (marker >= 0xC0 && marker <= 0xCF && ![0xC4, 0xC8, 0xCC].includes(marker)) {
      out.bits = s[0]; out.layers = s[5];
      if ([0xC2, 0xC6, 0xCA, 0xCE].includes(marker)) out.progressive = true;
    }
    if (marker === 0xDA) return out;
    at += n;
  }
}

const TURBO = {code: null};                               // the compiled libjpeg-turbo; an instance a photo, so that nothing is left of a damaged one

function withJpeg(b, use) {
  let memory;
  const text = at => { const m = new Uint8Array(memory.buffer); let s = ''; while (m[at]) s += String.fromCharCode(m[at++]); return s; };
  const it = new WebAssembly.Instance(TURBO.code, {env: {fail: at => { throw new Refused('jpeg', {error: text(at)}); }}}).exports;
  memory = it.memory;
  it._initialize();
  const at = it.take(b.length);
  if (!at) throw new Refused('too_large', {mpx: '?'});
  new Uint8Array(memory.buffer, at, b.length).set(b);
  const info = it.header(at, b.length), seen = () => new Int32Array(memory.buffer, info, 15);
  const result = use(it, seen, () => text(it.warning()));
  return result;
}

// sampling factors that TurboJPEG knows by a name; it refuses the others
function knownSampling(v) {
  const [, , n, space] = v, h = i => v[7+2*i], w = i => v[8+2*i], four = n === 4 && (space === 4 || space === 5);
  if (n === 1 && space === 1) return true;
  if (n !== 3 && !four) return false;
  const rest = [...Array(n - 1).keys()].map(i => i + 1);
  for (const [a, c] of [[1, 1], [2, 1], [2, 2], [1, 2], [4, 1], [1, 4]]) {       // 444 422 420 440 411 441
    if (h(0) === a && w(0) === c && rest.every(k => four && k === 3 ? h(k) === a && w(k) === c : h(k) === 1 && w(k) === 1)) return true;
    if (h(0) === 2 && w(0) === 2 && ((a === 2 && c === 1) || (a === 1 && c === 2))
        && rest.every(k => four && k === 3 ? h(k) === 2 && w(k) === 2 : h(k) === c && w(k) === a)) return true;
  }
  return h(0)*w(0) <= 3 && rest.every(k => h(k) === h(0) && w(k) === w(0));
}

const scaled = (n, k) => Math.ceil(n*k/8);

function jpegEighths(w, h, small) {                       // simplejpeg's choice, then TurboJPEG's: the largest that fits
  let W = w, H = h;
  if (small) for (let k = 1; k <= 8; k++)
    if (k === 8 || (scaled(w, k) >= Math.min(w, small[0]) && scaled(h, k) >= Math.min(h, small[1]))) { W = scaled(w, k); H = scaled(h, k); break; }
  for (let k = 16; k > 0; k--) if (scaled(w, k) <= W && scaled(h, k) <= H) return k;
}

function jpegShare(n, mark, w, h) {                       // 1, or by what the sides of a huge one are divided
  const pixels = w*h;
  if (pixels <= MOST_PIXELS) return 1;
  const whole = n + (mark.progressive ? 2*mark.layers*pixels : 0);
  for (const f of [2, 4, 8]) if (whole + 3*mark.layers*pixels/f**2 <= MOST_MEMORY) return f;
  throw new Refused('too_large', {mpx: Math.round(pixels/1e6)});
}

function harmless(message, b) {                           // filling before the end mark, as some cameras write it: one byte over and over
  const m = /(\d+) extraneous bytes before marker 0xd9/.exec(message);
  if (!m) return false;
  let end = b.length - 2;
  while (end > 0 && !(b[end] === 0xFF && b[end+1] === 0xD9)) end--;
  return end > 0 && new Set(b.subarray(Math.max(0, end - +m[1]), end)).size === 1;
}

function jpegReason(error) {
  if (error.includes('Premature end of JPEG')) return new Refused('truncated', {error});
  if (/truncated|not large enough|broken data stream|unrecognized data stream/i.test(error)) return new Refused('cut_off', {error});
  if (error.includes('Corrupt JPEG data')) return new Refused(error.includes('before marker 0xd9') ? 'corrupt_or_save' : 'corrupt', {error});
  return new Refused('other', {error: `ValueError: ${error}`});
}

function openJpeg(b, atLeast) {
  const mark = jpegMarkers(b);
  if (mark.bits !== 8 || ![1, 3, 4].includes(mark.layers)) throw new Refused('not_an_image');
  const cmyk = mark.layers === 4;
  let pic;
  try { pic = withJpeg(b, (it, seen, warned) => {
    const v = seen(), [w, h] = v, f = jpegShare(b.length, mark, w, h);
    if (warned() && !harmless(warned(), b)) throw new Refused('jpeg', {error: warned()});
    if (!knownSampling(v)) throw new Refused('jpeg', {error: 'Could not determine subsampling level of JPEG image'});
    const low = atLeast && Math.min(w, h) >= 2*atLeast ? atLeast : Math.max(w, h);
    const small = f > 1 || low < Math.max(w, h) ? [Math.min(low, Math.ceil(w/f)), Math.min(low, Math.ceil(h/f))] : null;
    const k = cmyk ? 8/f : jpegEighths(w, h, small), at = it.pixels(k, +cmyk);
    if (warned() && !harmless(warned(), b)) throw new Refused('jpeg', {error: warned()});
    const [W, H] = seen(), raw = new Uint8Array(it.memory.buffer, at, W*H*(cmyk ? 4 : 3));
    return {data: cmyk ? fromCmyk(raw) : raw, width: W, height: H, box: part(W, H, w, h), full: [w, h]};
  }); } catch (e) { throw e.key === 'jpeg' ? jpegReason(e.values.error) : e; }
  return upright(pic, orientation(mark.exif, mark.xmp));
}

function part(W, H, w, h) {                               // the box that k eighths fill: the decoder rounds its sides up
  if (W === w && H === h) return null;
  for (let k = 1; k < 8; k++) if (W === scaled(w, k) && H === scaled(h, k)) return [0, 0, w*k/8, h*k/8];
  return null;
}

function fromCmyk(raw) {                                  // stored inverted, as Adobe does, and by Pillow's formula
  const out = new Uint8Array(raw.length/4*3);
  for (let i = 0, o = 0; i < raw.length; i += 4) {
    const k = raw[i+3];
    for (let c = 0; c < 3; c++) { const t = (255 - raw[i+c])*k + 128; out[o++] = Math.max(0, k - (((t >> 8) + t) >> 8)); }
  }
  return out;
}

// ---- PNG: browsers hand out 8 bits, multiplied by alpha and bent by gamma and profiles; the file's own numbers are wanted

const CRC = (() => { const t = new Int32Array(256); for (let i = 0; i < 256; i++) { let c = i; for (let k = 0; k < 8; k++) c = c & 1 ? c >>> 1 ^ 0xEDB88320 : c >>> 1; t[i] = c; } return t; })();
const crc32 = b => { let c = -1; for (let i = 0; i < b.length; i++) c = c >>> 8 ^ CRC[(c ^ b[i]) & 255]; return ~c >>> 0; };

async function inflate(parts, need, cut) {                     // as many bytes as the picture has; what comes after is nobody's business
  const out = new Uint8Array(need), stream = new Blob(parts).stream().pipeThrough(new DecompressionStream('deflate')), reader = stream.getReader();
  let n = 0;
  try {
    while (n < need) {
      const {done, value} = await reader.read();
      if (done) break;
      out.set(value.subarray(0, need - n), n); n += Math.min(value.length, need - n);
    }
  } catch (e) { if (n < need && !cut) throw new Refused('cut_off', {error: 'broken data stream when reading image file'}); }
  reader.cancel().catch(() => 0);
  if (n < need) throw new Refused('cut_off', {error: 'image file is truncated'});
  return out;
}

function unfilter(b, at, rows, bytes, bpp) {              // in place; `bytes` a row without its filter byte
  for (let y = 0; y < rows; y++) {
    const o = at + y*(bytes + 1) + 1, up = o - bytes - 1, kind = b[o-1];
    if (kind > 4) throw new Refused('cut_off', {error: 'broken data stream when reading image file'});
    for (let x = 0; x < bytes; x++) {
      const a = x >= bpp ? b[o+x-bpp] : 0, u = y ? b[up+x] : 0;
      if (kind === 1) b[o+x] += a;
      else if (kind === 2) b[o+x] += u;
      else if (kind === 3) b[o+x] += a + u >> 1;
      else if (kind === 4) {
        const c = x >= bpp && y ? b[up+x-bpp] : 0, p = a + u - c, pa = Math.abs(p - a), pu = Math.abs(p - u), pc = Math.abs(p - c);
        b[o+x] += pa <= pu && pa <= pc ? a : pu <= pc ? u : c;
      }
    }
  }
}

const PASSES = [[0, 0, 8, 8], [4, 0, 8, 8], [0, 4, 4, 8], [2, 0, 4, 4], [0, 2, 2, 4], [1, 0, 2, 2], [0, 1, 1, 2]];

function pngChunks(b) {
  const out = {idat: [], palette: null, trns: null, exif: null, xmp: null, sbit: null};
  let at = 8;
  for (let ended = false; at + 8 <= b.length;) {
    const n = u32(b, at), name = ascii(b, at+4, 4), s = b.subarray(at+8, at+8+n);
    if (name === 'IEND') break;
    if (at + 12 + n > b.length) { if (name === 'IDAT') { out.idat.push(s); out.cut = true; break; } throw new Refused('cut_off', {error: 'Truncated File Read'}); }
    if (name !== 'IDAT' && !out.idat.length && crc32(b.subarray(at+4, at+8+n)) !== u32(b, at+8+n)) throw new Refused('not_an_image');
    if (name === 'IDAT') { if (!ended) out.idat.push(s); } else if (out.idat.length) ended = true;
    if (name === 'IHDR') Object.assign(out, {width: u32(s, 0), height: u32(s, 4), bits: s[8], color: s[9], interlaced: s[12]});
    else if (name === 'PLTE') out.palette = s;
    else if (name === 'tRNS') out.trns = s;
    else if (name === 'sBIT' && !out.idat.length && n > 0 && n < 5 && at < 65536) out.sbit = Math.max(...s) || null;
    else if (name === 'eXIf') out.exif = s;
    else if (name === 'iTXt' && ascii(s, 0, 18) === 'XML:com.adobe.xmp\0' && !s[18]) out.xmp = s.subarray(22);
    at += 12 + n;
  }
  return out;
}

async function pngSamples(p) {                            // whole numbers as stored, width*height*channels
  const {width: w, height: h, bits, color} = p, ch = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[color], allowed = {0: [1, 2, 4, 8, 16], 2: [8, 16], 3: [1, 2, 4, 8], 4: [8, 16], 6: [8, 16]}[color];
  if (!w || !h || !allowed || !allowed.includes(bits) || !p.idat.length) throw new Refused('not_an_image');
  if (w*h > MOST_PIXELS) throw new Refused('too_large', {mpx: Math.round(w*h/1e6)});
  const passes = (p.interlaced ? PASSES : [[0, 0, 1, 1]]).map(([x, y, dx, dy]) => [x, y, dx, dy, Math.ceil((w - x)/dx), Math.ceil((h - y)/dy)]).filter(a => a[4] > 0 && a[5] > 0);
  const bytesOf = cols => Math.ceil(cols*ch*bits/8), bpp = Math.max(1, ch*bits/8);
  const raw = await inflate(p.idat, passes.reduce((n, a) => n + a[5]*(bytesOf(a[4]) + 1), 0), p.cut), out = bits === 16 ? new Uint16Array(w*h*ch) : new Uint8Array(w*h*ch);
  let at = 0;
  for (const [x0, y0, dx, dy, cols, rows] of passes) {
    const bytes = bytesOf(cols);
    unfilter(raw, at, rows, bytes, bpp);
    for (let y = 0; y < rows; y++, at += bytes + 1)
      for (let x = 0; x < cols; x++) {
        const o = ((y0 + y*dy)*w + x0 + x*dx)*ch, i = at + 1;
        if (bits === 8) for (let c = 0; c < ch; c++) out[o+c] = raw[i + x*ch + c];
        else if (bits === 16) for (let c = 0; c < ch; c++) out[o+c] = raw[i + 2*(x*ch + c)] << 8 | raw[i + 2*(x*ch + c) + 1];
        else out[o] = raw[i + (x*bits >> 3)] >> 8 - bits - (x*bits & 7) & (1 << bits) - 1;
      }
  }
  return {out, ch};
}

function overWhite(c, a) {                                // Pillow's alpha_composite of a colour over white
  if (a === 0) return 255;
  const blend = 255*(255 - a), outa = a*255 + blend, k = a*255*255*128/outa | 0, t = c*k + 255*(255*128 - k) + (0x80 << 7);
  return ((t >> 8) + t >> 8) >> 7;
}

async function openPng(b, levels) {
  const p = pngChunks(b), {out: s, ch} = await pngSamples(p), {width, height, bits, color, trns} = p, n = width*height, rgb = new Uint8Array(3*n);
  const done = () => upright({data: rgb, width, height, box: null}, orientation(p.exif, p.xmp));
  const key = trns && color !== 3 ? Array.from({length: color === 2 ? 3 : 1}, (_, c) => u16(trns, 2*c)) : null;
  if (bits === 16 && color === 0) { sixteenGray(s, rgb, key, p.sbit, levels); return done(); }
  const deep = bits === 16 ? sixteenColour(s, ch, p.sbit, levels) : null, alpha = color === 4 || color === 6, colours = ch < 3 ? 1 : 3;
  if (bits === 16 && key && color === 2) throw new Refused('rare', {what: 'PNG'});
  const pal = p.palette, top = {1: 255, 2: 85, 4: 17}[bits] || 1, simple = color === 3 && trns;
  for (let i = 0, o = 0; i < n; i++) {
    let r, g, bl, a = 255;
    if (color === 3) { const v = s[i]; r = pal ? pal[3*v] ?? 0 : 0; g = pal ? pal[3*v+1] ?? 0 : 0; bl = pal ? pal[3*v+2] ?? 0 : 0; if (simple) a = trns[v] ?? 255; }
    else {
      const at = i*ch, get = c => deep ? deep[at+c] : s[at+c]*top;
      r = get(0); g = colours === 3 ? get(1) : r; bl = colours === 3 ? get(2) : r;
      if (alpha) a = get(ch - 1);
      else if (key && r === key[0] && (colours === 1 || (g === key[1] && bl === key[2]))) a = 0;
    }
    if (a !== 255) { r = overWhite(r, a); g = overWhite(g, a); bl = overWhite(bl, a); }
    rgb[o++] = r; rgb[o++] = g; rgb[o++] = bl;
  }
  return done();
}

// ---- more than 8 bits: black and white as the model's photos had them, else by this file alone

function ends(s, ch, colours) { let low = Infinity, high = -Infinity; for (let i = 0; i < s.length; i += ch) for (let c = 0; c < colours; c++) { const v = s[i+c]; if (v < low) low = v; if (v > high) high = v; } return [low, high]; }

function range(kind, low, high, sbit) {
  if (sbit && high <= 2**sbit - 1) return [0, 2**sbit - 1];
  const top = low >= 0 ? [8, 10, 12, 14, 16].map(n => 2**n - 1).find(t => high <= t) : 0;
  if (top && (kind === 'colour' || high === low || high - low >= top/8)) return [0, top];
  return high > low ? [low, high] : [low, low + 1];
}

function sixteenGray(s, rgb, key, sbit, levels) {
  const [black, white] = levels?.whole || range('whole', ...ends(s, 1, 1), sbit);
  for (let i = 0, o = 0; i < s.length; i++) {
    let v = Math.trunc(Math.min(255, Math.max(0, (s[i] - black)*255/(white - black) + .5)));
    if (key && s[i] === key[0]) v = 255;
    rgb[o++] = v; rgb[o++] = v; rgb[o++] = v;
  }
}

function sixteenColour(s, ch, sbit, levels) {             // 8 bits of each sample: Pillow's own unless the photos used few of the 16
  const colours = ch < 3 ? 1 : 3, [low, high] = ends(s, ch, colours), bright = high >> 8 >= 64;
  const [, white] = levels?.colour || (bright ? [0, 65535] : range('colour', low, high, sbit)), black = (levels?.colour || [0])[0], out = new Uint8Array(s.length);
  for (let i = 0; i < s.length; i++)
    out[i] = white >= 65535 ? s[i] >> 8 : Math.trunc(Math.min(255, Math.max(0, ((bright ? (s[i] >> 8)*257 : s[i]) - black)*255/(white - black) + .5)));
  return out;
}

// ---- the other kinds, by the browser

function riff(b, name) {                                  // a chunk of a WebP
  for (let at = 12; at + 8 <= b.length;) { const n = u32(b, at+4, 1); if (ascii(b, at, 4) === name) return b.subarray(at+8, at+8+n); at += 8 + n + (n & 1); }
  return null;
}

async function openByBrowser(b, kind) {
  let bitmap;
  try { bitmap = await createImageBitmap(new Blob([b], {type: `image/${kind}`}), {imageOrientation: 'none', premultiplyAlpha: 'none', colorSpaceConversion: 'none'}); }
  catch (e) { throw new Refused('cut_off', {error: 'image file is truncated'}); }
  const {width, height} = bitmap, canvas = new OffscreenCanvas(width, height), ctx = canvas.getContext('2d', {willReadFrequently: true});
  ctx.fillStyle = '#fff'; ctx.fillRect(0, 0, width, height); ctx.drawImage(bitmap, 0, 0); bitmap.close();
  const rgba = ctx.getImageData(0, 0, width, height).data, data = new Uint8Array(width*height*3);
  for (let i = 0, o = 0; i < rgba.length; i += 4) { data[o++] = rgba[i]; data[o++] = rgba[i+1]; data[o++] = rgba[i+2]; }
  return upright({data, width, height, box: null}, kind === 'webp' ? orientation(riff(b, 'EXIF'), riff(b, 'XMP ')) : 1);
}

async function openPicture(b, atLeast, levels) {          // any file -> RGB, upright
  if (!b.length) throw new Refused('empty');
  const head = ascii(b, 0, 16), brand = head.slice(8, 12), ftyp = head.slice(4, 8) === 'ftyp';
  if (head.startsWith('\xff\xd8\xff')) return openJpeg(b, atLeast);
  if (head.startsWith('\x89PNG\r\n\x1a\n')) return openPng(b, levels);
  if (head.startsWith('RIFF') && brand === 'WEBP') return openByBrowser(b, 'webp');
  if (head.startsWith('GIF8')) return openByBrowser(b, 'gif');
  if (head.startsWith('BM')) return openByBrowser(b, 'bmp');
  if (head.startsWith('II*\0') || head.startsWith('MM\0*')) throw new Refused('unread', {what: 'TIFF'});
  if (ftyp && brand.startsWith('avi')) throw new Refused('unread', {what: 'AVIF'});
  if (ftyp && /^(hei[cmsx]|hev[cx]|mif1|msf1)$/.test(brand)) throw new Refused('unread', {what: 'HEIC'});
  if (ftyp || head.startsWith('\x1aE\xdf\xa3') || (head.startsWith('RIFF') && brand === 'AVI ')) throw new Refused('video');
  if (/<!doctype|<html|<svg|<\?xml/i.test(head)) throw new Refused('web_page');
  if (head.includes('version https://')) throw new Refused('lfs');
  throw new Refused('not_an_image');
}

// ---- resizing: Pillow's antialiased bicubic resize, in its own whole numbers (Resample.c, HPND licence)

const BITS = 22;

function cubic(x) {
  x = Math.abs(x);
  if (x < 1) return (1.5*x - 2.5)*x*x + 1;
  return x < 2 ? (((x - 5)*x + 8)*x - 4)*-.5 : 0;
}

function weights(inSize, in0, in1, outSize) {
  const scale = Math.fround(in1 - in0)/outSize, filterscale = Math.max(1, scale), support = 2*filterscale, ksize = Math.ceil(support)*2 + 1, inv = 1/filterscale;
  const first = new Int32Array(outSize), count = new Int32Array(outSize), k = new Int32Array(outSize*ksize), w = new Float64Array(ksize);
  for (let xx = 0; xx < outSize; xx++) {
    const center = in0 + (xx + .5)*scale, lo = Math.max(0, Math.trunc(center - support + .5)), n = Math.min(inSize, Math.trunc(center + support + .5)) - lo;
    let sum = 0;
    for (let x = 0; x < n; x++) sum += w[x] = cubic((x + lo - center + .5)*inv);
    for (let x = 0; x < n; x++) { const v = sum ? w[x]/sum : w[x]; k[xx*ksize + x] = Math.trunc((v < 0 ? -.5 : .5) + v*(1 << BITS)); }
    first[xx] = lo; count[xx] = n;
  }
  return {first, count, k, ksize};
}

const clip = v => { v >>= BITS; return v < 0 ? 0 : v > 255 ? 255 : v; };

function resize({data, width: w, height: h}, W, H, box) { // -> {data, width, height}; box: left, top, right, bottom in px
  const [l, t, r, b] = box.map(Math.fround), half = 1 << BITS - 1;
  if (w === W && h === H && !l && !t && r === w && b === h) return {data: data.slice(), width: W, height: H};
  const V = weights(h, t, b, H), top = V.first[0], bottom = V.first[H-1] + V.count[H-1];
  let src = data, from = 0, row = 3*w;
  if (W !== w || l || r !== W) {
    const {first, count, k, ksize} = weights(w, l, r, W), out = new Uint8Array((bottom - top)*W*3);
    for (let y = top, o = 0; y < bottom; y++)
      for (let xx = 0; xx < W; xx++) {
        let s0 = half, s1 = half, s2 = half, i = 3*(y*w + first[xx]);
        for (let j = xx*ksize, e = j + count[xx]; j < e; j++, i += 3) { const c = k[j]; s0 = s0 + data[i]*c | 0; s1 = s1 + data[i+1]*c | 0; s2 = s2 + data[i+2]*c | 0; }
        out[o++] = clip(s0); out[o++] = clip(s1); out[o++] = clip(s2);
      }
    src = out; from = top; row = 3*W;
  }
  if (H === h && !t && b === H) return {data: src, width: W, height: H};
  const out = new Uint8Array(H*row), sum = new Int32Array(row);
  for (let yy = 0; yy < H; yy++) {
    sum.fill(half);
    for (let y = 0; y < V.count[yy]; y++) { const c = V.k[yy*V.ksize + y], at = (V.first[yy] + y - from)*row; for (let x = 0; x < row; x++) sum[x] += src[at+x]*c; }
    for (let x = 0, o = yy*row; x < row; x++) out[o+x] = clip(sum[x]);
  }
  return {data: out, width: W, height: H};
}

const GRAY = [124, 116, 104];                             // around a padded picture

function middle(pic, size) {
  const left = pic.width - size >> 1, top = pic.height - size >> 1, out = new Uint8Array(size*size*3);
  for (let y = 0; y < size; y++) out.set(pic.data.subarray(3*((top + y)*pic.width + left), 3*((top + y)*pic.width + left + size)), 3*y*size);
  return {data: out, width: size, height: size};
}

function fit(pic, size, how) {                            // a square of `size` px
  const [l, t, r, b] = pic.box || [0, 0, pic.width, pic.height], w = r - l, h = b - t;
  if (how === 'squash') return resize(pic, size, size, [l, t, r, b]);
  if (how === 'pad') {
    const W = Math.max(1, pyRound(size*w/Math.max(w, h))), H = Math.max(1, pyRound(size*h/Math.max(w, h))), small = resize(pic, W, H, [l, t, r, b]);
    const out = new Uint8Array(size*size*3), top = size - H >> 1, left = size - W >> 1;
    for (let i = 0; i < out.length; i++) out[i] = GRAY[i % 3];
    for (let y = 0; y < H; y++) out.set(small.data.subarray(3*y*W, 3*(y + 1)*W), 3*((top + y)*size + left));
    return {data: out, width: size, height: size};
  }
  const side = Math.min(w, h), left = l + (w - side)/2, top = t + (h - side)/2;
  return resize(pic, size, size, [left, top, Math.min(left + side, r), Math.min(top + side, b)]);
}

async function prepare(bytes, prep) {                     // -> {data: RGB of the square that the network sees}
  const {by, size, resize: before, how, levels} = prep;
  const pic = await openPicture(bytes, how === 'pad' ? 0 : Math.floor(3*before/2), levels), out = middle(fit(pic, before, how), size);
  if (by === 'open_gray') for (let i = 0; i < out.data.length; i += 3) {
    const v = out.data[i]*9798 + out.data[i+1]*19235 + out.data[i+2]*3735 + (1 << 14) >> 15;     // OpenCV's whole numbers for ITU-R 601
    out.data[i] = out.data[i+1] = out.data[i+2] = v;
  }
  return {...out, was: pic.full || [pic.width, pic.height]};
}

function planes({data}, size, channels) {                 // channel after channel, as the network takes them
  const n = size*size, out = new Uint8Array(channels*n);
  for (let c = 0; c < channels; c++) for (let i = 0; i < n; i++) out[c*n + i] = data[3*i + c];
  return out;
}

// ---- what the outputs mean: nb_helpers.dataset.decode.Decoder

const sigmoid = x => .5*(1 + Math.tanh(.5*x)), f32 = Math.fround;

function softmax(x) {
  const top = Math.max(...x), e = x.map(v => Math.exp(v - top)), sum = e.reduce((a, b) => a + b, 0);
  return e.map(v => v/sum);
}

function decode(outputs, task) {                          // -> {probs, score, k}: k is -1 where there are no classes
  const K = task.vocab.length, x = Array.from(outputs, v => v/task.temperature), above = task.task === 'classes' || task.task === 'regression' ? [] : x.slice(-(K - 1)).map(sigmoid);
  let probs = [], score;
  if (task.task === 'classes') { const p = softmax(x); probs = p.map(f32); score = f32(p.reduce((a, v, i) => a + v*i, 0)); }
  else if (task.task === 'regression') score = f32(outputs[0]);
  else {
    let least = 1;
    const reached = [1, ...above.map(v => least = Math.min(least, v)), 0];
    probs = reached.slice(1).map((v, i) => f32(reached[i] - v));
    score = f32(above.reduce((a, v) => a + v, 0));
  }
  const {how, thresholds} = task;
  let k = -1;
  if (how === 'argmax') k = outputs.indexOf(Math.max(...outputs));
  else if (how === 'score') k = thresholds.filter(t => f32(t) <= score).length;
  else if (how !== 'none') {
    const on = above.map((v, i) => f32(v) >= f32(thresholds.length > 1 ? thresholds[i] : thresholds[0])), off = on.indexOf(false);
    k = how === 'first' ? (off < 0 ? on.length : off) : on.filter(Boolean).length;
  }
  return {probs, score, k};
}

// ---- when not to answer: what nb_helpers.export.Predictor does with spec.json's `answer`

function judge(found, checks, [w, h], answer, vocab) {    // -> {answer, set: classes in order, reason: texts}
  if (!answer) return {};
  const have = Math.min(w, h), failed = have < answer.side ? [['retake', ['too small', {have, side: answer.side}]]] : [];
  answer.limits.forEach((l, i) => {
    const v = checks[i];
    if (l.low !== null && v < l.low) failed.push([l.answer, l.why_low]);
    else if (l.high !== null && v > l.high) failed.push([l.answer, l.why_high]);
  });
  if (failed.length) return {answer: failed.some(f => f[0] === 'retake') ? 'retake' : failed[0][0], set: [], reasons: failed.map(f => f[1]), k: -1};
  const set = inSet(found, answer.sets, vocab.length);
  return {answer: set.length < 2 ? 'one' : set.length < 4 ? 'two or three' : 'unsure', set, reasons: []};
}

function inSet({probs, score, k}, sets, n) {
  if (!sets) return k < 0 ? [] : [k];
  const all = [...Array(n).keys()];
  if (sets.kind === 'classes') return all.filter(i => probs[i] >= sets.least[i] || i === k).sort((a, b) => probs[b] - probs[a]);
  const far = i => Math.max(0, i ? sets.cuts[i-1] - score : 0, i < n - 1 ? score - sets.cuts[i] : 0);
  const inside = all.filter(i => far(i) <= sets.reach[i] || i === k);
  return all.slice(inside[0], inside[inside.length-1] + 1);
}

if (typeof module !== 'undefined')
  module.exports = {Refused, judge, TURBO, openPicture, openJpeg, openPng, resize, fit, prepare, planes, decode, orientation, pyRound, overWhite};
