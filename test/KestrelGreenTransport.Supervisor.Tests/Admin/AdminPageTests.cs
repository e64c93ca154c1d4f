using System.Text;
using KestrelGreenTransport.Supervisor.Admin;

namespace KestrelGreenTransport.Supervisor.Tests.Admin;

public class AdminPageTests
{
    [Fact]
    public void Nothing_but_its_own_script_and_style_is_allowed_and_no_text_becomes_markup()
    {
        var page = Encoding.UTF8.GetString(AdminPage.Bytes);

        Assert.Matches(
            "^default-src 'none'; script-src 'sha256-[^']+'; style-src 'sha256-[^']+'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'$",
            AdminPage.ContentSecurityPolicy);
        Assert.All(
            (string[])["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "style=\"", " src=", "<link rel=\"stylesheet\""],
            way => Assert.DoesNotContain(way, page, StringComparison.Ordinal));
    }
}
