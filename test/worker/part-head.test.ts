import { describe, expect, it } from 'vitest';
import { parsePartHead } from '#edge-worker/upload/part-head.ts';
import { readBoundary } from '#shared/contracts/form-boundary.ts';

const head = (disposition: string, type = '') =>
  parsePartHead(`\r\nContent-Disposition: form-data; ${disposition}\r\n${type}\r\n\r\n`);

describe('parsePartHead', () => {
  it.each([
    ['name="file"; filename="a.wav"', { name: 'file', fileName: 'a.wav', mimeType: '' }],
    ['name=file;filename=a.wav', { name: 'file', fileName: 'a.wav', mimeType: '' }],
    ['filename="a;b.wav"; name="f"', { name: 'f', fileName: 'a;b.wav', mimeType: '' }],
    ['name="f"; filename="C:\\tmp\\a.wav"', { name: 'f', fileName: 'a.wav', mimeType: '' }],
    ['name="f"; filename="../../a.wav"', { name: 'f', fileName: 'a.wav', mimeType: '' }],
    ['name="f"; filename="a\\"b.wav"', { name: 'f', fileName: 'a"b.wav', mimeType: '' }],
    [
      "name=f; filename=x; filename*=UTF-8''%C3%BC.mp3",
      { name: 'f', fileName: 'ü.mp3', mimeType: '' },
    ],
    ["name=f; filename=x; filename*=UTF-8''%ff", { name: 'f', fileName: 'x', mimeType: '' }],
    ["name=f; filename*=UTF-8''%zz", { name: 'f', fileName: "UTF-8''%zz", mimeType: '' }],
    ['name="f"; name="g"', { name: 'g', mimeType: '' }],
    ['NAME="f"; FileName=""', { name: 'f', fileName: '', mimeType: '' }],
  ])('reads %s', (disposition, expected) => {
    expect(head(disposition)).toEqual(expected);
  });

  it.each([
    ['no head at all', '\r\n\r\n'],
    ['another disposition', '\r\nContent-Disposition: attachment; name="file"\r\n\r\n'],
    ['none', '\r\nContent-Type: audio/wav; name="file"\r\n\r\n'],
    ['no name', '\r\nContent-Disposition: form-data; filename="a.wav"\r\n\r\n'],
  ])('takes a part for no field: %s', (_what, text) => {
    expect(parsePartHead(text).name).toBe('');
  });

  it('reads the first of two dispositions', () => {
    const second = 'Content-Disposition: form-data; name=second';
    expect(head('name=first', second).name).toBe('first');
  });

  it('reads the type without its parameters', () => {
    expect(head('name=f', 'content-TYPE: Audio/WAV; rate=8000').mimeType).toBe('audio/wav');
  });
});

describe('readBoundary', () => {
  it.each([
    ['multipart/form-data; boundary=abc', 'abc'],
    ['Multipart/Form-Data; charset=utf-8; Boundary="a b:c"', 'a b:c'],
    [
      'multipart/form-data;boundary=----WebKitFormBoundary7MA4YWxk',
      '----WebKitFormBoundary7MA4YWxk',
    ],
  ])('reads %s', (type, boundary) => {
    expect(readBoundary(type)).toBe(boundary);
  });

  it.each([
    [undefined, 'found no Content-Type'],
    ['application/json', 'found "application/json"'],
    ['multipart/mixed; boundary=a', 'found "multipart/mixed'],
    ['multipart/form-data', 'names no boundary'],
    ['multipart/form-data; boundary=""', 'names no boundary'],
    [`multipart/form-data; boundary=${'a'.repeat(201)}`, 'too long'],
    ['multipart/form-data; boundary="a\u0001b"', 'other signs'],
  ])('refuses %s', (type, problem) => {
    expect(() => readBoundary(type)).toThrow(problem);
  });
});
