// Opens a page in Chromium for a test to operate:
//
//   node remote.js PAGE OPTIONS
//
// OPTIONS are those of a page of Playwright. Each line of standard input is a
// JavaScript function body as a JSON string; it has page and axe (axe-core's
// source), and what it returns is printed as {"type":"Result","value":...}, what
// it throws as {"type":"Result","error":...}.
const readline = require('node:readline');
const { source: axe } = require('axe-core');
const { launch, newPage, print, run } = require('./chromium.js');

const AsyncFunction = (async () => {}).constructor;

run(async ([url, options]) => {
  const browser = await launch();
  const page = await newPage(browser, JSON.parse(options));
  await page.goto(url);
  for await (const line of readline.createInterface({ input: process.stdin })) {
    try {
      print({ type: 'Result', value: await new AsyncFunction('page', 'axe', JSON.parse(line))(page, axe) ?? null });
    } catch (error) {
      print({ type: 'Result', error: String(error) });
    }
  }
});
