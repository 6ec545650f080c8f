/**
 * PEP 700: `yyyy-mm-ddThh:mm:ss.ffffffZ`, always with microseconds and always UTC.
 * @throws RangeError when the date is invalid
 */
export function formatUploadTime(time: Date): string {
  return `${time.toISOString().slice(0, -1)}000Z`;
}
