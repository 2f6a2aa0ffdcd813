// The time until the opening, by the server's clock.
const countDown = () => {
  const left = Math.max(0, Math.ceil((Date.parse(scene.opens) - Date.now() - skew) / 1000));
  const days = Math.floor(left / 86400);
  const parts = [left / 3600 % 24, left / 60 % 60, left % 60].map(part => String(Math.floor(part)).padStart(2, '0'));
  write('countdown', (days ? filled(scene.days, days) + ' ' : '') + parts.join(':'));
  // In the reader's own time.
  const format = { weekday: 'short', day: 'numeric', month: 'short', hour: 'numeric', minute: '2-digit', timeZoneName: 'short' };
  write('opens', new Date(scene.opens).toLocaleString(scene.language, format));
};
countDown();
setInterval(countDown, 1000);
