// Counts the words of a text, block by block. Nothing here knows of a sandbox, so that tests need none.
export class Words {
  constructor(lettersMin) {
    Object.assign(this, { lettersMin, letters: 0, words: 0, inside: false });
  }

  feed(bytes) {
    for (const byte of bytes) {
      const space = byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
      if (space && this.inside) {
        this.words += this.letters >= this.lettersMin ? 1 : 0;
        this.letters = 0;
      }
      // The first byte of a character in UTF-8; the others begin with 10.
      if (!space && (byte & 0xc0) !== 0x80) this.letters += 1;
      this.inside = !space;
    }
  }

  end() {
    this.feed([0x0a]);
    return this.words;
  }
}
