package temj;

/** A command of ImageJ whose work is done elsewhere: {@code temj.Bridge("name")} hands the name to the handler. */
public class Bridge implements ij.plugin.PlugIn {
	public static volatile java.util.function.Consumer<String> handler;

	public void run(String name) {
		handler.accept(name);
	}
}
