namespace KestrelGreenTransport;

/// <summary>How a line of the access log looks.</summary>
public enum GreenAccessLogFormat
{
    /// <summary>The common log format: client, user, time, request line, status, bytes of the body. (nginx, Apache: common)</summary>
    Common,

    /// <summary>The common log format, then the headers Referer and User-Agent. (nginx: combined; gunicorn's default)</summary>
    Combined,

    /// <summary>A JSON object, with the duration, the request's id and the worker's index besides.</summary>
    Json,
}
