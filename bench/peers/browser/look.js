// Says what is wrong with the page as it is drawn now: an object with the number
// of figures and a list of findings in words.
(() => {
  const wrong = [];
  const shown = (e) => e.getClientRects().length > 0 && getComputedStyle(e).visibility !== 'hidden';
  const root = document.documentElement;
  if (root.scrollWidth > innerWidth) {
    const wide = [...document.body.querySelectorAll('*')].filter((e) => shown(e) && e.getBoundingClientRect().right > innerWidth + 0.5 && !e.closest('.scroll'));
    wrong.push(`the page is ${root.scrollWidth} px wide in a window of ${innerWidth}: ${wide.slice(0, 3).map((e) => e.tagName + '.' + e.getAttribute('class')).join(', ')}`);
  }
  // Paper does not scroll: what a table has too much is lost there.
  for (const box of document.querySelectorAll('.scroll')) {
    if (matchMedia('print').matches && shown(box) && box.scrollWidth > box.clientWidth) {
      wrong.push(`${box.scrollWidth - box.clientWidth} px of a table are cut off in print: "${box.textContent.trim().slice(0, 40)}"`);
    }
  }

  // Relative luminance and contrast as WCAG 2 defines them.
  const rgb = (text) => (text.match(/[\d.]+/g) || []).map(Number);
  const luminance = (c) => {
    const [r, g, b] = c.slice(0, 3).map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const paper = luminance(rgb(getComputedStyle(document.body).backgroundColor));
  const contrast = (c) => {
    const l = luminance(rgb(c));
    return (Math.max(l, paper) + 0.05) / (Math.min(l, paper) + 0.05);
  };
  if (contrast(getComputedStyle(document.body).color) < 4.5) {
    wrong.push(`text ${getComputedStyle(document.body).color} cannot be read on ${getComputedStyle(document.body).backgroundColor}`);
  }

  const drawings = [...document.querySelectorAll('svg')].filter(shown);
  for (const svg of drawings) {
    const say = (what) => wrong.push(`figure ${svg.getAttribute('aria-labelledby') || svg.outerHTML.slice(0, 60)}: ${what}`);
    const words = (tag) => (svg.querySelector(`:scope > ${tag}`)?.textContent || '').trim();
    const texts = [...svg.querySelectorAll('text')];
    const written = texts.map((t) => t.textContent.trim());
    if (!words('title')) say('no title');
    const axes = /Horizontal axis: (.+?)\. Vertical axis: (.+?)\.$/.exec(words('desc'));
    if (!axes) {
      say(`the description names no axes: "${words('desc')}"`);
      continue;
    }
    for (const label of axes.slice(1)) if (!written.includes(label)) say(`the axis label "${label}" is not written in it`);
    // An axis of categories has no unit; the other one does, always in brackets.
    if (!axes.slice(1).some((label) => /\([^()]+\)$/.test(label))) say(`no axis has a unit: "${axes[1]}", "${axes[2]}"`);
    const box = svg.viewBox.baseVal;
    for (const t of texts) {
      const px = (parseFloat(getComputedStyle(t).fontSize) * svg.getBoundingClientRect().width) / box.width;
      if (px < 8) say(`"${t.textContent}" is ${px.toFixed(1)} px high`);
      const b = t.getBBox();
      if (b.x < box.x - 1 || b.y < box.y - 1 || b.x + b.width > box.x + box.width + 1 || b.y + b.height > box.y + box.height + 1) {
        say(`"${t.textContent}" stands outside: ${Math.round(b.x)} to ${Math.round(b.x + b.width)} of ${box.width}`);
      }
      if (contrast(getComputedStyle(t).fill) < 3) say(`"${t.textContent}" in ${getComputedStyle(t).fill} cannot be read`);
    }
  }
  return { figures: drawings.length, dark: paper < 0.2, light: paper > 0.8, wrong };
})()
