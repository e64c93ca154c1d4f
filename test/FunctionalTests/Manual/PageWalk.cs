namespace FunctionalTests.Manual;

/// <summary>A reader's progress on one page: which of its blocks have been typed, and which are left.</summary>
internal sealed class PageWalk(string page, Reader reader)
{
    private readonly List<Block> _left = [.. ManualPage.Blocks(page).Where(static block => ManualCoverageTests.IsWalked(block))];
    private readonly List<string> _typed = [];

    /// <summary>Types the next block that begins with this command.</summary>
    public Task Type(string begins) => reader.Type(Take(begins));

    /// <summary>Types the commands of a block one at a time, in the order of the page.</summary>
    public Steps StepThrough(string begins) => new(reader, new Queue<(string, string[])>(Take(begins).Commands));

    /// <summary>Types a command from the text, with a value for a placeholder such as <c>N</c>, or with something appended.</summary>
    public async Task<string> Say(string command, string? typed = null, int code = 0)
    {
        Assert.Contains(command, ManualPage.Spans(page));
        _typed.Add(command);
        return await reader.Type(typed ?? command, code: code);
    }

    /// <summary>Checks that every block was typed, and every green command in the text that is more than the command's name.</summary>
    public void End()
    {
        Assert.Empty(_left);
        Assert.All(
            ManualPage.Spans(page).Where(static span => span.StartsWith("green ", StringComparison.Ordinal) && span.Count(' ') > 1),
            span => Assert.Contains(_typed, typed => typed.StartsWith(span, StringComparison.Ordinal)));
    }

    private Block Take(string begins)
    {
        var block = _left.Find(block => block.Begins(begins));
        Assert.True(block is not null, $"{page} has no block left that begins with {begins}");
        _left.Remove(block);
        _typed.AddRange(block.Commands.Select(static typed => typed.Command));
        return block;
    }

    internal sealed class Steps(Reader reader, Queue<(string Command, string[] Shown)> left)
    {
        public async Task<string> Next(string command)
        {
            var (typed, shown) = left.Dequeue();
            Assert.StartsWith(command, typed, StringComparison.Ordinal);
            return await reader.Type(typed, shown);
        }

        public void End() => Assert.Empty(left);
    }
}
