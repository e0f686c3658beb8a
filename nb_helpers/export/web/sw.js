// Where the folder lies on a server, the page opens without a network once it was there: the newest copy that was seen is kept by the browser.
'use strict';
const NAME = 'nb_page', PAGE = 'index.html';
addEventListener('install', e => e.waitUntil(caches.open(NAME).then(c => c.add(PAGE)).then(() => skipWaiting())));
addEventListener('activate', e => e.waitUntil(clients.claim()));
addEventListener('fetch', e => {
  if (e.request.mode !== 'navigate') return;
  e.respondWith(fetch(e.request).then(r => {
    if (r.ok) { const copy = r.clone(); e.waitUntil(caches.open(NAME).then(c => c.put(PAGE, copy))); }
    return r;
  }).catch(() => caches.open(NAME).then(c => c.match(PAGE))));
});
