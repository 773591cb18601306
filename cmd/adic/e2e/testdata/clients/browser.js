// Runs an application script in a page of Chromium:
//
//   node browser.js PAGE SCRIPT ARGUMENTS
//
// What the application emits is printed as one line of JSON each, and so is
// every error on the page's console.
const fs = require('node:fs');
const { launch, newPage, print, run } = require('./chromium.js');

run(async ([page, script, args]) => {
  const browser = await launch();
  process.stdin.resume();
  const tab = await newPage(browser);
  await tab.exposeFunction('emitMessage', print);
  await tab.addInitScript(`
    ${fs.readFileSync(script, 'utf8')}
    addEventListener('load', () => follow(${args}, emitMessage));
  `);
  await tab.goto(page);
});
