// The place that the published secret gives to a number, and whether it is the secret that was promised.
const bytesOf = hex => Uint8Array.from(hex.match(/../g), pair => parseInt(pair, 16));
const hexOf = state => state.map(word => (word >>> 0).toString(16).padStart(8, '0')).join('');
const drawn = (secret, { start, size }, number) => {
  const value = (turn, other) => {
    const state = finish(begin(secret), [turn, other >>> 24, other >>> 16 & 255, other >>> 8 & 255, other & 255]);
    return (state[0] >>> 0) * 65536 + (state[1] >>> 16);
  };
  const rows = Math.ceil(Math.sqrt(size)), columns = Math.ceil(size / rows);
  let place = number - start;
  do {
    let row = Math.floor(place / columns), column = place % columns;
    for (let turn = 0; turn < 6; turn += 2) {
      row = (row + value(turn, column)) % rows;
      column = (column + value(turn + 1, row)) % columns;
    }
    place = row * columns + column;
  } while (place >= size);
  return place + 1;
};
const text = name => document.querySelector('[data-live=' + name + ']').textContent;
const check = draw => {
  const mine = scene.number - draw.start, secret = bytesOf(text('secret'));
  if (mine < 0 || mine >= draw.size || hexOf(finish(begin(secret), [])) !== text('commitment')) return;
  const numbers = [scene.number, drawn(secret, draw, scene.number), draw.size].map(grouped);
  write('checked', filled(draw.checked, ...numbers));
};
check(scene.draw);
