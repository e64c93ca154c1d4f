namespace KestrelGreenTransport;

/// <summary>The format of a line of the access log.</summary>
public enum GreenAccessLogFormat
{
    /// <summary>The common log format: client, user, time, request line, status, bytes of the body. (nginx, Apache: common)</summary>
    Common,

    /// <summary>The common log format, then the headers Referer and User-Agent. (nginx: combined; gunicorn's default)</summary>
    Combined,

    /// <summary>A JSON object, which also has the duration, the request's id and the worker's index.</summary>
    Json,
}
