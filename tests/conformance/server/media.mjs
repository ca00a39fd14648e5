// The smallest picture and the smallest sound there are, in base64.

/** One red pixel as PNG. */
export const PICTURE =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC";

/** A WAV header without samples. */
export const SOUND = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YQAAAAA=";

/** The content of a message or a result that is nothing but text. */
export const text = (text) => ({ type: "text", text });

/** The picture as content. */
export const image = { type: "image", data: PICTURE, mimeType: "image/png" };

/** The sound as content. */
export const audio = { type: "audio", data: SOUND, mimeType: "audio/wav" };

/** A resource inside of a message or a result. */
export const embedded = (uri, mimeType, text) => ({
  type: "resource",
  resource: { uri, mimeType, text },
});
