const words = scene.words;

// How long it will take, in the words the server would use.
const wait = eta => {
  if (!eta || eta.likely == null || eta.late == null) return words.unknown;
  if (eta.late <= 60) return words.soon;
  const range = (unit, least, most) =>
    least === most ? filled(words[unit][0], least) : filled(words[unit][1], least, most);
  let least = Math.max(1, Math.floor((eta.likely + 30) / 60));
  let most = Math.max(least, Math.ceil(eta.late / 60));
  if (most >= 100) {
    least = Math.max(1, Math.floor((least + 15) / 30));
    return range('h', least / 2, Math.max(least, Math.ceil(most / 30)) / 2);
  }
  if (most > 20) {
    most = Math.ceil(most / 5) * 5;
    if (least >= 10) least = Math.floor(least / 5) * 5;
  }
  return range('min', least, most);
};

// How far the server's clock is ahead of this one, in milliseconds.
let skew = 0;

// The bar is measured against the line as this tab first saw it, where it may remember that, and never goes back.
const key = 'spillway ' + scene.room + ' ' + scene.number;
let base = 0, furthest = 0;
try { base = Number(sessionStorage.getItem(key)) || 0; } catch (_) {}
const measure = (rank, waiting) => {
  if (!base) {
    base = Math.max(rank + 1, waiting);
    try { sessionStorage.setItem(key, base); } catch (_) {}
  }
  furthest = Math.max(furthest, Math.round(1000 * (1 - (rank + 1) / (base + 1))));
  each('bar', bar => {
    bar.value = furthest;
    bar.setAttribute('aria-valuetext', place(rank));
  });
};
const place = rank => rank == null ? words.lot
  : rank ? [words.ahead[0], grouped(rank), words.ahead[1]].join(' ').trim() : words.next;

// Whoever listens is told of what changed, but not at every step.
let said = '', saidAt = 0;
const say = (text, urgent) => {
  if (text === said || !urgent && Date.now() - saidAt < 30000) return;
  said = text;
  saidAt = Date.now();
  write('said', text);
};

const title = document.title;
let state = scene.state;
const render = status => {
  const changed = status.state !== state;
  state = status.state;
  const rank = status.position == null ? null : status.position - 1;
  const inLine = state === 'waiting' || state === 'paused', called = state === 'called' || state === 'inside';
  if (changed) {
    document.body.dataset.state = state;
    document.querySelectorAll('[data-in]').forEach(element => {
      element.hidden = !element.dataset.in.split(' ').includes(state);
    });
    const notice = words[called ? 'called' : status.sold_out ? 'sold-out' : state];
    if (notice) {
      write('head', notice[0]);
      write('lead', notice[1]);
      if (!called) say(notice.join('. '), true);
    }
    if (called) turn(notice);
  }
  show('ahead', inLine && rank > 0);
  show('word', inLine && !rank);
  show('bar', inLine && rank != null);
  const wanted = wait(status.eta_seconds);
  if (inLine) {
    if (rank != null) {
      write('rank', grouped(rank));
      measure(rank, status.waiting);
    }
    write('place', place(rank));
    write('wait', wanted);
    document.title = (rank == null ? '' : '(' + grouped(rank) + ') ') + title;
  }
  write('people', filled(words.people, grouped(status.waiting)));
  if (status.opens_at) scene.opens = status.opens_at;
  if ('message' in status) {
    write('message', status.message || '');
    show('message', !!status.message);
  }
  if (inLine) say(place(rank) + '. ' + words.wait + ': ' + wanted + '.', changed);
};

// The turn: heard, seen in the list of tabs, and then on to the shop, looked at or not: a turn is held only for a while.
let leaving;
const turn = notice => {
  // Who has sent a form is told first what became of it.
  if (leaving || !scene.safe && !heard || !scene.poll) return;
  write('turn', notice.join('. '));
  document.title = '\u2714 ' + notice[0];
  ring([523.25, 783.99]);
  if (document.hidden && window.Notification && Notification.permission === 'granted') {
    // Phones want a service worker for it.
    try { new Notification(notice[0], { body: title, tag: key }); } catch (_) {}
  }
  leaving = setTimeout(() => go(scene.to), 1500);
};
let audio;
const ring = notes => {
  if (!audio) return;
  notes.forEach((note, i) => {
    const from = audio.currentTime + i * 0.22, tone = audio.createOscillator(), loudness = audio.createGain();
    tone.frequency.value = note;
    loudness.gain.setValueAtTime(0.3, from);
    loudness.gain.exponentialRampToValueAtTime(0.001, from + 0.9);
    tone.connect(loudness).connect(audio.destination);
    tone.start(from);
    tone.stop(from + 1);
  });
};
show('sound', 'AudioContext' in window);
each('sound-switch', box => box.addEventListener('change', () => {
  if (audio) audio.close();
  audio = box.checked && new AudioContext();
  // Heard once, so that it is known to work.
  ring([523.25]);
}));

// Asks for the status when the server says, and at once when somebody looks away or again.
let timer, asking, askedAt = 0, tag = '', every = Math.max(1000, scene.poll), failures = 0, heard;
const later = pause => {
  clearTimeout(timer);
  timer = setTimeout(ask, pause);
};
const lost = () => {
  if (++failures > 1 || navigator.onLine === false) {
    write('live', words.lost);
    document.body.classList.add('lost');
    say(words.lost, true);
  }
};
const found = () => {
  failures = 0;
  write('live', words.live);
  document.body.classList.remove('lost');
};
const ask = async () => {
  // A preview has nobody to ask.
  if (asking || leaving || !scene.poll) return;
  asking = true;
  askedAt = Date.now();
  const abort = new AbortController();
  const patience = setTimeout(() => abort.abort(), 15000);
  let pause = 0;
  try {
    const headers = { 'Accept-Language': scene.language };
    if (tag) headers['If-None-Match'] = tag;
    // A hidden tab is let ask rarely, which the server has to know to be patient.
    const answer = await fetch(scene.status + (document.hidden ? '?hidden=1' : ''), { headers, cache: 'no-store', signal: abort.signal });
    const header = name => answer.headers.get(name);
    pause = header('Retry-After') * 1000 || 0;
    const date = Date.parse(header('Date'));
    if (date) skew = date + 500 - Date.now();
    if (answer.status === 200) {
      const status = await answer.json();
      tag = header('ETag') || '';
      every = Math.max(1000, status.poll_after_ms || every);
      heard = true;
      found();
      render(status);
      later(every);
    } else if (answer.status === 304) {
      found();
      later(pause || every);
    } else if (answer.status >= 500 || answer.status === 429 || answer.status === 408) {
      throw answer.status;
    } else {
      // The server knows why there is no ticket, and may send elsewhere. Only who never had one is shown its page.
      const page = scene.status + '/wait?lang=' + scene.language + '&to=' + encodeURIComponent(scene.to);
      if (!heard) location.replace(page);
      else if ((await fetch(page, { redirect: 'manual' })).type === 'opaqueredirect') go(scene.to);
      else render({ state: 'gone', waiting: 0 });
    }
  } catch (_) {
    lost();
    const most = Math.min(60000, Math.max(2000, every) * 2 ** (failures - 1));
    later(Math.max(pause, most * (0.5 + Math.random() / 2)));
  }
  clearTimeout(patience);
  asking = false;
};
const wake = () => {
  if (Date.now() - askedAt > 1000) ask();
};

write('live', words.live);
state = '';
render({
  state: scene.state,
  position: scene.rank == null ? null : scene.rank + 1,
  waiting: scene.waiting,
  eta_seconds: scene.eta,
  sold_out: scene.sold,
});
document.addEventListener('visibilitychange', wake);
addEventListener('pageshow', event => {
  if (!event.persisted) return;
  clearTimeout(leaving);
  leaving = 0;
  state = '';
  ask();
});
addEventListener('online', wake);
addEventListener('offline', lost);
ask();
