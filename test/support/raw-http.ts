/** Requests that no well-behaved client sends: written byte by byte to a socket. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export async function openSocket(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1' });
  await once(socket, 'connect');
  return socket;
}

/** Status code and body of the one answer on a socket, read until it closes or the announced length is there. */
export async function readAnswer(socket: Socket): Promise<{ status: number; body: string }> {
  let text = '';
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    text += String(chunk);
    const end = text.indexOf('\r\n\r\n');
    const length = /content-length: (\d+)/i.exec(text)?.[1];
    if (end >= 0 && length !== undefined && text.length >= end + 4 + Number(length)) {
      break;
    }
  }
  const [head = '', body = ''] = text.split('\r\n\r\n', 2);
  return { status: Number(head.split(' ')[1]), body };
}

export const BOUNDARY = 'test-boundary';

/** The head of a multipart POST; `extra` are more header lines. */
export function postHead(extra: readonly string[]): string {
  return [
    'POST /transcribe HTTP/1.1',
    'Host: 127.0.0.1',
    `Content-Type: multipart/form-data; boundary=${BOUNDARY}`,
    ...extra,
    '',
    '',
  ].join('\r\n');
}

/** The start of a part with a file. */
export function filePartHead(field = 'file'): string {
  return `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${field}"; filename="a.wav"\r\nContent-Type: audio/wav\r\n\r\n`;
}
