/** What a page looks like to a browser: colours, order and room as they come out, not as they were written. */
import type { Page } from "playwright-core";

/** WCAG 2.2 §1.4.3 for text of ordinary size. */
export const MIN_CONTRAST = 4.5;

/** WCAG 2.2 §1.4.6, for those who ask for more. */
export const MIN_ENHANCED_CONTRAST = 7;

/** One piece of visible text. */
export interface TextColours {
  readonly text: string;
  /** WCAG contrast ratio of the text and what is behind it. */
  readonly contrast: number;
}

export interface Structure {
  readonly lang: string;
  readonly title: string;
  readonly headings: readonly string[];
  readonly mains: number;
  /** Elements that run something or fetch something. */
  readonly active: readonly string[];
}

export function structureOf(page: Page): Promise<Structure> {
  return page.evaluate(() => ({
    lang: document.documentElement.lang,
    title: document.title,
    headings: [...document.querySelectorAll("h1")].map((heading) => heading.textContent),
    mains: document.querySelectorAll("main").length,
    active: [
      ...document.querySelectorAll("script, iframe, img, object, embed, form, link[rel=stylesheet]"),
    ].map((element) => element.outerHTML),
  }));
}

/** How many pixels one has to scroll to the right to see everything. */
export function horizontalScroll(page: Page): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
}

/** Every visible text with its contrast, as the browser computes the colours. */
export async function textColours(page: Page): Promise<TextColours[]> {
  const texts = await page.evaluate(() => {
    const backgroundOf = (element: Element | null): string => {
      if (element === null) return "rgb(255, 255, 255)";
      const { backgroundColor } = getComputedStyle(element);
      return /^rgb\(/.test(backgroundColor) ? backgroundColor : backgroundOf(element.parentElement);
    };
    const found: { text: string; ink: string; paper: string }[] = [];
    const nodes = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = nodes.nextNode(); node !== null; node = nodes.nextNode()) {
      const element = node.parentElement;
      const text = node.textContent?.trim() ?? "";
      if (element === null || text === "" || !element.checkVisibility()) continue;
      found.push({ text, ink: getComputedStyle(element).color, paper: backgroundOf(element) });
    }
    return found;
  });
  return texts.map(({ text, ink, paper }) => ({ text, contrast: contrast(ink, paper) }));
}

/** WCAG 2.2 contrast ratio of two opaque colours, written `rgb(r, g, b)`. */
function contrast(one: string, other: string): number {
  const [light = 0, dark = 0] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
}

function luminance(colour: string): number {
  const parts = /^rgb\((\d+), (\d+), (\d+)\)$/.exec(colour)?.slice(1).map(Number);
  if (parts === undefined) throw new Error(`Not an opaque colour: ${colour}`);
  const [red = 0, green = 0, blue = 0] = parts
    .map((part) => part / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
