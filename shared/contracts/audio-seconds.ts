/** The header of every transcript: the length of the recording in seconds, for whoever counts, whatever the format. */
export const AUDIO_SECONDS_HEADER = 'X-Audio-Seconds';
