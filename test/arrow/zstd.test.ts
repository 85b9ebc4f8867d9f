/** ZSTD frames that libzstd (through pyarrow) wrote, of levels 1 and 19. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { kernelsOf } from '../../src/arrow/arena-kernels.js';
import { Arena } from '../../src/core/arena.js';

const PLAIN = {
  text: Buffer.from(JSON.stringify(Array.from({ length: 400 }, (_, i) => `row ${(i * i) % 97} of ${i % 13}`))),
  skewed: Buffer.from(Array.from({ length: 3000 }, (_, i) => ((i * i * 31) % 251) & ((i * 7) % 61) & 127)),
  repeats: Buffer.from('ab'.repeat(500) + 'c'.repeat(300) + 'ab'.repeat(500)),
};

const FRAMES = [
  {
    plain: 'text',
    frame:
      'KLUv/WD6FJ0dACZqUhOwFwoHB4CKRvIk5aYkuXPErgE8VwBHAEcAOwdOrNijyB2lIurWU4hOfzgaDedD63KIvLYOKnrLaI/QMXDYQ4v4sF6UGGZXRTIyIXrY63ytSJlAUCA0JBAUCBeBoEBYCAQFQgQADAJBgTAIBwUGAAIBYYmZTIj9dm0feIvcUSqibr37w9FoOB9av722Dip6y2iPnPUMLLWpFyWGkfh7KsMpvH4V5Z5Gg1J9a/iezCrDhSQVaRjFFm8S61fd0whK9TU8ocyGCbHfru0DJUaRO0pF1K0nQX84Gg3nQ+sSbR1U9JbRll3xb+5HrASHmSRepKHJHZ611CSTeGMorfhtVQMAFwgKhIkn3JWT5IPcQ6kk4ZiMzIWXhgmx367tA8+OPYrcUSqibnfH6LREwxlavx0jqsd2ipDeIqM94ulATpNclBhG4qUT6kyTgk2ogjrxqe3yDZZiVNkGEsARYTbGiIC212MMQCy2NQ0MD/sNO4uO9+IP5XPUM8QPmh6o1QJvOPqwul/l3fWi0R3kaqqgIyZ9B4uzuKHxSLBzB7GvcnDna1GgUH4/744OQxkvns/AQ4Af/dKeEbfDSz8rkw7j7A9O6HeRFNFT+wQOlXEeSRVhPqhVQChdb2O8DK3/HA2Mgh59cmODbK0Zvfcc6Fu4zjlBaIqoutBZFWqxZC9PULBR0GQhGUU/TXvbNRO/EX4YNvqO0OHNgmiY23gLngCXMiZvjhDuCLnjgTE675rXeOigzbvJANSMjPfwvt32Bi0oY4fCpYXiY0SdaTTJYRTBECG7a+nYp5TC2CD3xgrD/m7z9Q50QSuNMIvfu9839bEi1Tvu+7AsWFeGYu3EPRJRMZdRr1plq82pvjZNVC0eIo+oD0N7vhczubf7UAsBZM6M+lx4v6IhLrXqD2qLdNz30EpjEN65ejpGK+l0PZV23xWeuuT3qGPVYLYmXPivHljV6GXSITNQiRHgxwjsvfdPh8+aZH6VcmGae2sUeLfqL1AnskGxNP8uEIQdMyIrbw09XYgZ8G36ot5QMFGjAyVGppER6p26NQjYOSTyR68ztpexgt6Ms3IhkFN1/zH07OtCyhjXCA4BtIAE+Q4IKz6Ax198HC0rHcJ1MHkLlXjwWdHsdVNR09GAGOwNBoT4YLTsIxILtu/We/aeE0yH1B4m7Xm6QibERlKBOx8wgChRClJaFhEbCHSq69mR9TOZFiK2DAB9Sz+dlknXHFHbowxFfYtDDtWfel0lqt0BB+ADwECt',
  },
  {
    plain: 'text',
    frame:
      'KLUv/WD6FE0SAKYsVBWgJYUc6GTc+gFwJ+2WFZHcnnbVxAFTAEsASwCTiYuTQSaG357tQ0xYNtPYPnJQ8tjT0XzMJYRCCbnE8B6NU9sjBeXPGjOymBA9q7c+YwpCxmdxk0nVBfGaqeW1GbFa/CoBGATBgAFBEBQYIDAIEDHzrTXspJOJi5NBxPDbs32ICctmGttHDkoeezqaj7mEUCghlxjeo3FqexSUP2vMyGJC9NTbM6YgZHwWJx019WvGrCuot2LmW2vYSbOuoN6KmW+tYSeTiYuTQSaG357tQ0xYNtPYPnJQ8tjT0XzMJYRCCbnE8B6NU9sjBeXPGjOymBA9q7dnTEHI+CxO2lFTv2bMuoJ6KwJGTf2aMesK6q2Y+dYadtLJxMXJIGL47dk+xIRlM43tIwcljz0dzcdcQigUucTwHo1T26Og/NkaM7KYED319owpCBmfxUlHTf2aEYGVqCFAfn8DEWNSOgcRMAgBQ5i192sMenuOaGCb3uSLS3OptfcBGQ75n8fYeQPgkGhYhwMNyS3O8Rre9zwf4mHpjnImjJwfR3lsMgi30qyAzXnzixtzLH26YLr0ZPhyM9bxLVKyjnwNFrV2Nr8kQzxyucMeMHI+jrKzKYQajY3YfG/6iVtzrqcfx2nuWb5+cJaIAlG0DqfrQ7fB3+mSDfC0dIcIFEfOj6M0NhkEPdNWxOa9+cWNOeYzezJdfkA1uxlb+g/knfZgjAyY2i/SIR5E3ukAOpSzw6kEll0gbUEQcAALYAIwBAvAPESwEGAQOJgAAlh9FQ==',
  },
  {
    plain: 'skewed',
    frame:
      'KLUv/WC4Cn04AIq69BscIA5d3RwDJJkIjQh7LpHOFWz4uyp49dAsx1KyU7IBuAG+AXi7diZUSyIyZmsK940oilB33FVmMOvLb+x8SYa2Mpf6kBBE9vehKg/h3saPrrnAPngOw1tMS5bqE1pbm2XJAUFtVLl6BMyu2/6NkpyNdu+CLBAddMr02lIyRj1rC1INsnQ6Zq90Hg658I5Ok56Fk7xZeg6jyTQjOqvK2dUW83Ps0IFMTIdeW4vpTMsImj2cDjoHSXVyIM1c3rYGrV28acK3ST5mFzKaROYOT3sP8qEtiYCtLjF8mvUb1U5h34J9ctH1Hvg0lix9+poiTySIc+eVDw8Oo8HjJ4AW0btZbgozsiC6XOcU2cMz28QX/aBi3+EY1GzX+4woex2xtiYRvj3S+IIwdq3gLL6IUZMG+k0N2pHcNEC9zKVzDdmE1Z2VtrBIHjp9VmQeiBKRvdX0sHaSxIc/0yx0mHKv1REPKXIMvp0TPAupNyp43URUtBjYMlSPpbNZ3zMdxMjlZFHjZZT8zO/DiFFlJuoEErRHb0H0CEKwh7NbJjb552dGrlwe2HhXGVKLY+97Jj3L4uRGaiub94A4WZSpYqxyk5CPU2tqP2KCcrbKBIqMFJD1dg2bZjE4TfI11nabiROlagx/WqArGNw0ijMHesp5xNQQOTruYIImQC491e61SO5QhnfV0zlcLvawTUMOgvBM1G4ZzUskTw9xAVSZafAKTA+0XnK5CHpXyVxLBPZhO+gWUvNJtWPYco0T0erfMQ1taU5v2vPB5hPEBq9dKzC9hIQdf0BP7vfU+PbOBJvRgU/vueWiWfQAJm3MJvB1QF48yBWRA5tHXaWxNAu++Q6jd2CRZHm9hqaZCaonMK0ZI+iw+JmtSoVuq9hbuvYsg3QKm9cmZAS6z/ZpCUbR1a8+iXgY8DRn9QlaTsX3tMqTTLkfltT05RTTQUwPFWO63SS+Z9JZs6SEQBr8l6sFadiuHYbYrIInoKC9pzeai5BdUU8Hmdj7pn12mpMGmihpC2/pNEoUj+2Bv8rNECA1B/VtcgWHKcdQ8+b0fUibJZkWy9MYrvzZsaBeuNONZUseKdBHOT1oSiQ7W90qrXn5pzVACs2YmQbPKCd4Wjb56OyNZPlJQzuF02NARC/KULGHi1ai9Lb9Gjkil6fpaq40Uraj3ucwxROSV3DJhkhfzuI3PWdy8IobvhM3CCzRM5oT05BN1TfkihLn1TOpvD3QmdYAMdabJrkZzMGrFuRm187d0AYhuVmkh1ELcjsS4FNkD9fYJvSiaUEH69EDIWnH/Lu05r7bk6DhLFCd+aFCr4D25EJvdPZaMsgbTG2FFzoIRNfWqvfhSA1e7/Mtl9yZaE1ZRU6N1u5K8WYwSy9hXzmRODiUZ6xKfESXyb5z0t/yEIt0K5Z8NC3Vq8eY8CXVp/ZpBx4jB4Nj3ZNhegqKPdS77eUnAdIKM6JTQ6KUfTutkRGeTddWrmyAQao5iytMQ5jc22ntlsVyMzSkB1XmeTiAw5R79vIaRUemhrdLEhENtcWsbOeArGIPt2njRf6IdMxpMiaHZEHZymkNbWEDvcUuZOxKmmacwaxUWH1W7d3YkJOpjvRHNxEHIvEAzo7TjZ1E9GSlFYlg87TGy6h8ePw2+w5TlLNAyHdoz7vkgrYkCJbpNTAqWry+xc/K/sQa0tbrB9XaJrtwOmyLnAxxes4psmBSgOpXhwU0lqxffE1pzilCpDm4ch/aMWxfuqaW4T0B367OokuWs14EalskAPozSatMJIPBXNyRgKzrozWaS+Q0QF9FIs5P7jKd8UG0EOtZghdJNdSkWyaRB4hxd/GcPZjRAKD39LQ3kRBtSRpbXVLsaP6dg25heDOPNn25BT8Qmyk4rSKW6xDrziuZJgPw+0R0aIzB937TZuRI3RSUJpseVDjsk35mi3/tZrtuHGjQGK8ZwKUl5Lr0kM5EQGYOdIfJ3I8S9JTXQ2sNIl+2hbtIOgchbVdT4SVaWOy30ydZJjPkz6q8aVorfHjj2SQsPcWuDxK5gYcUvVY76PAs5C78ed1EZljSMex7pMPpMFTPw0WMBOFTtOdtNM/MtlDNAI5kfhgxQQ29BflIeu9UZEsAcB4fbCxALr3HPjO7HN3ieH2JCulZFqvoNOhl84b4FaZ3YPWE3fEJihBmvamNLC8dWBJ969C1bJpdO5M+zS7qVfAtar6OSO2t1ipRIiHxuyNjFzosDb51qSmSAawY8dCdS9TN0stGVnQQW/ZJt4jBHDxrDaiwCEaPfN3L3fYgKHbh93lo8MMB0uOw5aa2jOx4E3PQcpVvwTa0lYn3MbSudh4/Lz6UHnrbIOQJpP6d55IsHKacs5jNKl8C7cF93Rp0NLYyToos+z1te2GxwY3jAwDH4RKRDG6mQ3pfggo=',
  },
  {
    plain: 'skewed',
    frame:
      'KLUv/WC4CmU4ALqtIBoZIBCqnGOU6iOv9Buy8Uo9HdnhqDFg1polKZgBmgGdAXs6hxmhkpXoayQZ3sKtj6M88YFG66C2bnEWG7Jn2D2fZgoiSftiOHsCji6v/g+jjI+9tUkeTCddtrydwuawb7tI7EmmRsjtBaGIBDqsL2ipyGEFf5Y8yEl0nteCNBmky+rCD6JLAhAXQvJ20YVQ1Uzg0VvVSQclyFYUqJ3D011pUV1XVWt9lM/RZTmeBeIS0a4KOLENEmiaU21Fz/kP22Pat0AjbPK8yIq2KUtefcvAFYpiHHrBiQmJV8Kvj5A0yftpXsY5WTAdKnS52kR008U3HS2GvsQ9sJsua3SS7eWKcx9c+I2o103i0OUGSNe61vRgQn7VSnqCignY6hxCt4kyaA7NrENDeekymoEoYMKV6M2qiWVIWXzrd55lQY25l9kVEWqCEr6hIyIHzHsh+FRM2LQ8NG2LRabGZ/mi6iQHNmObHqvD4CN+36p4MUSF3SBio7wmySeJgN66vbhQ5aOjHbhgE1mPVZkl1kD0vm9U1DRWfqidUbwIxUqTLZlDmR8G/FXtMv2KSsLbDCMYODUk53u7nqdJONUSlCy8M+2pk3iY4OWt9WAxB1UkLTfY3CStM3RucaF9a086B0y8YntOa+7xYtL8Owdim+fyZ6MVFK8oTnjR5YaWx8CgryNShPpdPT69MUJxEvDlRS82niYPUOU6ulirRLIuBZwxQdbzK5V5NE+zVnzIyROgidJ8HsQmIkPmDaplx8mSaBzdlGFKrzL0pm6j9YG6BsXbKplA6jeNduEwOXulIpIgWkjzSmpGxnelTISNuScWavPmGNVJLW8xR/X+LL6oytvTIMUAE/7DWZM8DWprPcqsGyDY9fLHc1OiM+xKARd6X6XR0LMS4ZmUXdZNXU4K49dG1itzOwaohVauD97QVuLP5fpSPo1SNZpo21rwaIgDe1la/dDW4BOCjJjLk6qForfZKbPPzUcLITU8L0RMeIc5Ilp88BekP7DhKxB7DZfnoJhusi3WJm5aFJan+8vJFdhEm5o4yymbvvI+qOWaQXlmNQgx5Quk66uiUVF4xhDfix8GzfROYuVssk6XoWqxBlfywt2G+8c0TSv1pcrscJYPf9t4gw8BTwO+bbrIm6pFUjifIgvKnvNrs899bxTxgBqLjfgtRt6BjbCR94L0Fp3kE6q94WVBDCa2Tjxlwssafc0pNy52Gc1kzGmW6/IY9JkXigSEeYcyXJHpUNGHjvprnqKhbkaDkWeRrXmOat0g+5hGK+DXBHmAnDo6La8h79XDRwPUWUEoLNun1XLywrfqdsEFIzSJLaRrxtnEQb2h3Wsazf3woKLxVoFID+9h8qTaddooFdPSLs6CexKJMnTzcQP/hDrnEh2VhOKQbQYtxDqckNfQRXmeFzZoRsr03rYEIbKnPIIoFheA9FX9GMIkV5Sagcl6omU4EXl99KHGMKixgC+x0drggm0UAtryIBw2NV4+Rr9qm+zy8gTbVUWXVd1aTVamuDzoMllQIVi3DnzjW+YZq2klC60FdUJn2ta9gU81b9MpC3RexcptIIA8qqgZLtDhLNQ1hCE5z8hiMibIlYEJdISqLXesMDk8yvc49xQVaEK2bX21IG9I+P+fJ9eOQh4zXlFBTFC+hlbEDsAlj+29aIJD8mFVdnUShw29tQHLt4g1Qba01KmDyQTFS1XXQaqw4wGQdxXtukCKbZRtmlOMIc8/dNI1TpSbN7fgSGo3ZlWzqeE5xTn0olRVgrUk1kn41t98Tp7Y28ASWxUtBhTddP3t3XT5gayEdbwMYTXLgOdUhBpxIRlyEPUnhjzmZWKTTzWRklVNbLiZHBr6iw2VH/BIq2q54Vv3Gh+GJY+hywqYHOFlNrQkdFlHPyzUF0GJEWqLRRM3OZSFj6FP4oi4y2JDWCcVlfT4iZqBqwCAfkXrcUSjHW2eroG8fLgYmgta6UbxpviZljOovq6kKXHOq/bV8FCiKdN3Lt3iU2X0aMNWBJ+uxBUyMb3Zosy0YFi86gtqmPCdU5sJBjhXRSSHTmE/U2s7WaaTmraPeqfbQqwGTdYUwU89VN1ogaHL+h5vJTyhgIqg1ly1zYm+rnIUFhcoxGKNLJ2zocjRjW9RkTx9FvAGmH83SgPShY8yX4ONlr68z4Jsm3lVmTT6Xenu0DjhB/ImewhcJgV6FlUMTxVyZyEkx/nzKArrA92PfBYUKnJYk7wBOCiQTiSBDMoDoHIHrTwkL65eBqVBc4h3G9j+GojEd/Nkk5Vv5LXQr4gURCetg0KkNAwJUX8rE9pAHIfcRa4qouBJv44L+aQMg5J7VUIV9fmzRsN81Uj6R76g3NwhLXGuEWX0SOeXe0xvQhpcLe1wQARA1XyMZB5HMaZ5/qbnfxo=',
  },
  { plain: 'repeats', frame: 'KLUv/WD8B5UAADBhYmNjYWIDQALjQXUC1PFVLg==' },
  { plain: 'repeats', frame: 'KLUv/WD8B40AABhhYmMDAOUvyhWguOodX+Ww' },
] as const;

const arena = Arena.create(1, 1 << 20);
const work = arena.allocate(152_064);
const source = arena.allocate(65_536);
const target = arena.allocate(65_536);
const GUARD = Buffer.alloc(65_536, 0x5a);

/** Decodes into room bytes; what lies behind them must stay as it was. */
function decode(frame: Uint8Array, room: number): Buffer | undefined {
  arena.u8.set(frame, source);
  arena.u8.set(GUARD, target);
  const end = kernelsOf(arena).decode_zstd_frames(target, target + room, source, source + frame.length, work) >>> 0;
  expect(Buffer.compare(arena.u8.subarray(target + room, target + 65_536), GUARD.subarray(room))).toBe(0);
  return end === 0 ? undefined : Buffer.from(arena.u8.slice(target, end));
}

test('frames of libzstd decode', () => {
  for (const { plain, frame } of FRAMES) expect(decode(Buffer.from(frame, 'base64'), PLAIN[plain].length)).toEqual(PLAIN[plain]);
  const two = Buffer.concat([FRAMES[0], FRAMES[2]].map(({ frame }) => Buffer.from(frame, 'base64')));
  expect(decode(two, 60_000)).toEqual(Buffer.concat([PLAIN.text, PLAIN.skewed]));
});

test('a frame that does not fit or is cut short is refused', () => {
  for (const { plain, frame } of FRAMES) {
    const bytes = Buffer.from(frame, 'base64');
    expect(decode(bytes, PLAIN[plain].length - 1)).toBeUndefined();
    for (let end = 1; end < bytes.length; end += 7) expect(decode(bytes.subarray(0, end), 60_000)).toBeUndefined();
  }
});

test('frames with changed bytes never write outside, and end', () => {
  const around = arena.u8.slice(0, work);
  const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(fc.constantFrom(...FRAMES), changes, fc.nat(20_000), ({ frame }, edits, room) => {
      const bytes = Buffer.from(frame, 'base64');
      for (const [at, value] of edits) bytes[at % bytes.length] = value;
      decode(bytes, room);
    }),
    { numRuns: 3000 },
  );
  expect(Buffer.compare(around, arena.u8.slice(0, work))).toBe(0);
});
